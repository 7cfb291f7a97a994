from familiar.records import site_corrections
from familiar.records.engine import Database


def test_there_is_one_correction_at_most_and_none_after_it_was_dropped(database: Database) -> None:
    with database.read() as session:
        assert site_corrections.current(session) is None
    for people in (40, 50):
        with database.write() as session:
            site_corrections.put(session, backbone_version=2, numbers={"people": people}, audit={"pictures": people})
    with database.read() as session:
        row = site_corrections.current(session)
        assert row is not None
        assert (row.backbone_version, row.numbers, row.audit) == (2, {"people": 50}, {"pictures": 50})
    with database.write() as session:
        assert site_corrections.drop(session)
        assert not site_corrections.drop(session)
    with database.read() as session:
        assert site_corrections.current(session) is None
