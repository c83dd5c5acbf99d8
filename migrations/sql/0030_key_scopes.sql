-- Keys that may draft but not send, that run out, and that a person can tell apart.

set local lock_timeout = '5s';
set local statement_timeout = '1min';

alter table api_keys
    add column hint text,                     -- how its secret begins; null for older keys
    add column expires_at timestamptz;        -- from then on it opens nothing

-- `write` was everything until now. Sending is a scope of its own from here on, and keys that could
-- send go on; `admin` is new, and nobody has it who was not given it.
update api_keys set scopes = array_append(scopes, 'send') where 'write' = any(scopes);
