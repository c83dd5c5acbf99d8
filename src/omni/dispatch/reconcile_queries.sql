-- owns:
-- reads: messages

-- name: list_doubtful
-- messages_in_doubt: those that no person was asked about yet, which are few.
select * from messages
where state = 'ambiguous' and held_by is null and (look_at is null or look_at <= :now)
order by id
limit :limit;

-- name: record_found
-- messages_pkey. What a person has settled meanwhile stands. Its charge stays: it was sent then.
update messages
set state = 'sent', platform_message_id = :platform_message_id, sent_at = :sent_at, error = null,
    held_by = null, look_at = null, updated_at = :now
where id = :id and state = 'ambiguous';

-- name: look_later
-- messages_pkey.
update messages
set looks = looks + :counts, look_at = :look_at, updated_at = :now
where id = :id and state = 'ambiguous';

-- name: leave_to_person
-- messages_pkey. The first error stays to be read; what was looked for stands behind it.
update messages
set held_by = :gate, error = concat_ws('; ', error, :note::text), look_at = null, looks = looks + 1,
    updated_at = :now
where id = :id and state = 'ambiguous';
