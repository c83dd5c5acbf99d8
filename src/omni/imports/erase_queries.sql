-- owns:
-- reads: imports, import_problems

-- name: held_import_problems
-- No index: reads the table once.
select to_jsonb(p) as row from import_problems p
where p.what ~* :pattern or p.mend ~* :pattern
limit :limit::int;

-- name: erase_import_problems
-- No index: reads the table once.
delete from import_problems p where p.what ~* :pattern or p.mend ~* :pattern;

-- name: erase_imports
-- No index: reads the table once. A file may be called by a person's name, before its ending.
update imports i
set name = '[erased]'
where i.name ~* :pattern or regexp_replace(i.name, '[.][[:alnum:]]+$', '') ~* :pattern;
