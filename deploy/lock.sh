#!/bin/sh
# Compile the lock files from the pyproject files: exact versions and hashes, no address of any index.
#
#   deploy/lock.sh BIN      BIN: the folder of a virtual environment with pip
set -eu
bin=$1
"$bin"/python -m pip --disable-pip-version-check -q install 'uv>=0.8,<1'

compile() { # compile OUTPUT INPUT...
	output=$1
	shift
	"$bin"/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--no-emit-find-links --no-annotate --index-strategy unsafe-best-match \
		--no-emit-package familiar --no-emit-package familiar-gateway --no-emit-package familiar-trainer \
		--no-emit-package familiar-modelserver --no-emit-package familiar-camera --no-emit-package familiar-embedded \
		--output-file "$output" "$@"
	echo "$output: $(grep -c '==' "$output") packages"
}

s=services
r=deploy/requirements
# What runs together is resolved together; every other lock is held to the same versions.
compile requirements.lock $s/*/pyproject.toml $r/own.in $r/build.in
compile requirements-dev.lock -c requirements.lock $s/*/pyproject.toml $r/own.in $r/build.in $r/dev.in
compile requirements-gateway-test.lock -c requirements-dev.lock $s/gateway/pyproject.toml $r/containers.in \
	$r/build.in $r/gateway-test.in
for service in gateway trainer modelserver camera; do
	shared=$r/containers.in
	[ "$service" != camera ] || shared=
	# shellcheck disable=SC2086
	compile $s/$service/requirements.lock -c requirements.lock $shared $s/$service/pyproject.toml $r/build.in
done
compile requirements-portraits.lock -c requirements-dev.lock --no-deps $r/portraits.in
compile requirements-nodeps.lock --no-deps $r/nodeps.in

if grep -nE '://' requirements*.lock $s/*/requirements.lock; then
	echo "an address slipped into a lock file" >&2
	exit 1
fi
