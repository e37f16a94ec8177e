-- Whether anybody works on the deployment.

-- name: others
-- Processes of syncd that are connected to this database, beside ourselves: each of them listens.
select count(*) from pg_stat_activity
where datname = current_database() and application_name = $1 and pid <> pg_backend_pid();

-- name: leases
-- Partitions that a projector holds, by this database's clock.
select count(*) from leases where expires_at > clock_timestamp();
