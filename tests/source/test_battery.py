from tests.source.battery import ServerBattery, SourceBattery


class TestSQLite(SourceBattery):
    backend = "sqlite"


class TestMariaDB(ServerBattery):
    backend = "mariadb"


class TestPostgreSQL(ServerBattery):
    backend = "postgresql"
