-- Run once, by the superuser, when the folder of the database is empty: a user who owns one database and nothing else.
-- FaceKey must not be a superuser, or the triggers that keep the audit log could be switched off.
\set ON_ERROR_STOP on
\set password `cat "${FACEKEY_PASSWORD_FILE:-/run/secrets/database_password}"`
CREATE ROLE facekey LOGIN NOSUPERUSER NOCREATEROLE NOCREATEDB NOREPLICATION PASSWORD :'password';
\unset password
CREATE DATABASE facekey OWNER facekey ENCODING 'UTF8' TEMPLATE template0;
REVOKE ALL ON DATABASE facekey FROM PUBLIC;
-- For FACEKEY_INDEX=pgvector; nothing else uses it.
\connect facekey
CREATE EXTENSION IF NOT EXISTS vector;
