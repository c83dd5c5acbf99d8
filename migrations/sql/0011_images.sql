-- Pictures: objects that are collected when nothing shows them, and what to ask with for the next look.

set local lock_timeout = '5s';
set local statement_timeout = '10min';

create table if not exists image_objects (
    sha256 text not null,
    copy text not null,                       -- parts an object from one that is being removed
    content_type text not null,
    bytes int not null,
    stored boolean not null default false,    -- whether the bytes are surely there
    used_at timestamptz not null,             -- when somebody last asked to keep it
    doomed_at timestamptz,                    -- when it was given up; it is never used again
    primary key (sha256, copy)
);
create unique index if not exists image_objects_kept on image_objects (sha256) where doomed_at is null;
create index if not exists image_objects_doomed on image_objects (doomed_at) where doomed_at is not null;

insert into image_objects (sha256, copy, content_type, bytes, stored, used_at)
select distinct on (sha256) sha256, '', content_type, bytes, true, now()
from images
order by sha256
on conflict (sha256, copy) do nothing;

alter table images add column if not exists etag text;
alter table images add column if not exists last_modified text;

