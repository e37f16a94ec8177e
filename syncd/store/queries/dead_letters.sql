-- Records that were set aside, as operators look at them.

-- name: dead_letters
-- A page of letters behind a position ($1 null: from the first one), those that the filter lets through; without bodies.
select partition, epoch, "offset", stream, writer, seq, kind, version, octet_length(body) as body_bytes, reason
from dead_letters
where ($1::int is null or (partition, epoch, "offset") > ($1::int, $2::text, $3::bigint))
  and ($4::text[] is null or stream = any($4::text[]))
  and ($5::int is null or partition = $5::int)
  and ($6::bigint is null or "offset" = $6::bigint)
  and ($7::text is null or position($7::text in reason) > 0)
order by partition, epoch, "offset" limit $8;

-- name: dead_letter
-- One letter, whole.
select partition, "offset", stream, writer, seq, kind, version, body, reason from dead_letters
where partition = $1 and epoch = $2 and "offset" = $3;

-- name: drop_dead_letter
-- Forget a letter. No row when it is not there.
delete from dead_letters where partition = $1 and epoch = $2 and "offset" = $3 returning partition;
