"""Triggers of the database that count the bytes of each service, and of all labels, as rows change.

Source: SQLite documentation, "CREATE TRIGGER"; PostgreSQL documentation, "Trigger Functions".
"""

from kanaria.serving.databases.database import Database, Kind
from kanaria.serving.payload_log import sql_schema

SIZE_IN_SQLITE = f"{sql_schema.BESIDE_LABEL} + 2 * length({{0}}.request_id) + length({{0}}.value)"
OF_LABELS = "namespace = '' AND service = ''"
OF_BODY = """(namespace, service) =
  (SELECT namespace, service FROM exchanges WHERE number = {0}.place / 2)"""
COUNTED_IN_SQLITE = f"""
CREATE TRIGGER body_added AFTER INSERT ON bodies BEGIN
  UPDATE kept SET bytes = bytes + length(NEW.body) + {sql_schema.BESIDE_BODY}
  WHERE {OF_BODY.format("NEW")}; END;
CREATE TRIGGER body_removed AFTER DELETE ON bodies BEGIN
  UPDATE kept SET bytes = bytes - length(OLD.body) - {sql_schema.BESIDE_BODY}
  WHERE {OF_BODY.format("OLD")}; END;
CREATE TRIGGER label_added AFTER INSERT ON labels BEGIN
  UPDATE kept SET bytes = bytes + {SIZE_IN_SQLITE.format("NEW")} WHERE {OF_LABELS}; END;
CREATE TRIGGER label_changed AFTER UPDATE OF value ON labels BEGIN
  UPDATE kept SET bytes = bytes + length(NEW.value) - length(OLD.value) WHERE {OF_LABELS}; END;
CREATE TRIGGER label_removed AFTER DELETE ON labels BEGIN
  UPDATE kept SET bytes = bytes - ({SIZE_IN_SQLITE.format("OLD")}) WHERE {OF_LABELS}; END;
"""  # noqa: S608  # Put together of this file's constants.
COUNTED_IN_POSTGRESQL = f"""
CREATE FUNCTION count_bodies() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  UPDATE kept SET bytes = kept.bytes + CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END * sizes.bytes
  FROM (SELECT namespace, service, sum(octet_length(body) + {sql_schema.BESIDE_BODY}) AS bytes
        FROM changed JOIN exchanges ON number = place / 2 GROUP BY namespace, service) sizes
  WHERE (kept.namespace, kept.service) = (sizes.namespace, sizes.service);
  RETURN NULL;
END $$;
CREATE TRIGGER added AFTER INSERT ON bodies REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION count_bodies();
CREATE TRIGGER removed AFTER DELETE ON bodies REFERENCING OLD TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION count_bodies();
CREATE FUNCTION count_labels() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  UPDATE kept SET bytes = bytes + CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END
    * (SELECT coalesce(sum({sql_schema.SIZE_OF_LABEL}), 0) FROM changed)
  WHERE namespace = '' AND service = '';
  RETURN NULL;
END $$;
CREATE FUNCTION count_changed_labels() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  UPDATE kept SET bytes = bytes + (SELECT coalesce(sum(length(value)), 0) FROM changed)
    - (SELECT coalesce(sum(length(value)), 0) FROM before)
  WHERE namespace = '' AND service = '';
  RETURN NULL;
END $$;
CREATE TRIGGER added AFTER INSERT ON labels REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION count_labels();
CREATE TRIGGER removed AFTER DELETE ON labels REFERENCING OLD TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION count_labels();
CREATE TRIGGER changed AFTER UPDATE ON labels REFERENCING OLD TABLE AS before NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION count_changed_labels();
"""  # noqa: S608  # Put together of constants.
DROPPED_IN_POSTGRESQL = """
DROP TRIGGER added ON bodies;
DROP TRIGGER removed ON bodies;
DROP FUNCTION count_kept;
DROP TABLE kept;
"""
"""What takes away how version 2 counted."""


def words(database: Database) -> dict[str, str]:
    """Return what stands in `sql_schema`'s texts for the database: types, and these triggers."""
    is_file = database.kind is Kind.SQLITE
    return {
        **database.types,
        "more": COUNTED_IN_SQLITE if is_file else COUNTED_IN_POSTGRESQL,
        "fewer": "" if is_file else DROPPED_IN_POSTGRESQL,
    }
