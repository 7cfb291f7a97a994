#!/bin/sh
# Compile the lock files from the pyproject files: exact versions and hashes, no address of any index.
#
#   deploy/lock.sh BIN      BIN: the folder of a virtual environment with pip
set -eu
bin=$1
"$bin"/python -m pip --disable-pip-version-check -q install 'uv>=0.8,<1'

tools=deploy/requirements
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Our own packages are installed from the checkout; a stranger's of the same name must not be resolved in their place.
outside() { # outside SERVICE [EXTRA]: write what a service needs from others, print the file's name
	"$bin"/python - "services/$1/pyproject.toml" "${2-}" >"$work/$1.in" <<-'PYTHON'
		import sys, tomllib
		project = tomllib.load(open(sys.argv[1], "rb"))["project"]
		needs = project["dependencies"] + project.get("optional-dependencies", {}).get(sys.argv[2], [])
		print(*(need for need in needs if not need.startswith("familiar")), sep="\n")
	PYTHON
	echo "$work/$1.in"
}

compile() { # compile OUTPUT INPUT...
	output=$1
	shift
	# As few versions as possible: the same ones on every Python, so that what is tested on one says something of another.
	"$bin"/uv pip compile -q --universal --python-version 3.11 --fork-strategy fewest --generate-hashes --no-header \
		--no-annotate --index-strategy unsafe-best-match -c $tools/constraints.in --output-file "$output" "$@"
	echo "$output: $(grep -c '==' "$output") packages"
}

everything=$(for service in familiar gateway trainer modelserver camera embedded; do outside $service; done)
# What runs together is resolved together; every other lock is held to the same versions.
# shellcheck disable=SC2086
compile requirements.lock $everything $tools/build.in
# shellcheck disable=SC2086
compile requirements-dev.lock -c requirements.lock $everything $tools/build.in $tools/dev.in
compile requirements-gateway-test.lock -c requirements-dev.lock \
	"$(outside familiar)" "$(outside gateway)" $tools/build.in $tools/gateway-test.in
for service in gateway trainer; do # their images can use PostgreSQL
	compile services/$service/requirements.lock -c requirements.lock \
		"$(outside familiar postgresql)" "$(outside $service)" $tools/build.in
done
compile services/modelserver/requirements.lock -c requirements.lock \
	"$(outside familiar)" "$(outside modelserver)" $tools/build.in
compile services/camera/requirements.lock -c requirements.lock "$(outside camera)" $tools/build.in
compile deploy/rq-dashboard/requirements.lock -c requirements.lock $tools/rq-dashboard.in $tools/build.in
compile requirements-portraits.lock -c requirements-dev.lock --no-deps $tools/portraits.in
compile requirements-nodeps.lock --no-deps $tools/nodeps.in
compile requirements-peers.lock --no-deps $tools/peers.in
compile requirements-clients.lock -c requirements-dev.lock --no-deps $tools/clients.in

if command -v npm >/dev/null; then # .npmrc keeps the addresses out
	npm install --package-lock-only --ignore-scripts --loglevel=error
	echo "package-lock.json: $(grep -c '"integrity"' package-lock.json) packages"
else
	echo "package-lock.json: left as it is, for there is no npm here"
fi

if grep -n '"resolved"' package-lock.json \
	|| grep -nE '://' requirements*.lock services/*/requirements.lock deploy/*/requirements.lock; then
	echo "an address slipped into a lock file" >&2
	exit 1
fi
