/** Cloudflare's cfssl (github.com/cloudflare/cfssl). */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { toPem } from '../../../src/formats/pem.ts'
import { freePort } from '../../support/free-port.ts'
import { newAuthority } from '../../support/signers.ts'
import { startProgram } from '../processes.ts'
import type { Stage } from '../stage.ts'
import { pemOfKey } from './files.ts'

/** `cfssl serve` with a CA of P-256, which keeps what it signs in this database. */
export async function cfsslServer(stage: Stage, program: string, databaseUrl: string): Promise<{ port: number, pid: number }> {
  const folder = await stage.folder()
  const port = await freePort()
  const ca = await newAuthority('Bench cfssl CA')
  await writeFile(join(folder, 'ca.pem'), toPem('CERTIFICATE', ca.certificate))
  await writeFile(join(folder, 'ca-key.pem'), pemOfKey(ca.signer.privateKey))
  await writeFile(join(folder, 'config.json'), JSON.stringify({ signing: { default: { usages: ['signing', 'client auth'], expiry: '8760h' } } }))
  await writeFile(join(folder, 'db.json'), JSON.stringify({ driver: 'postgres', data_source: `${databaseUrl}?sslmode=disable` }))
  await createTables(databaseUrl)
  const { pid } = await startProgram(stage.t, program, ['serve', '-address', '127.0.0.1', '-port', String(port), '-ca', join(folder, 'ca.pem'), '-ca-key', join(folder, 'ca-key.pem'),
    '-config', join(folder, 'config.json'), '-db-config', join(folder, 'db.json'), '-loglevel', '3'], port)
  return { port, pid }
}

/** As its own migrations leave them (certdb/pg/migrations); it has no command that makes them. */
async function createTables(databaseUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    await client.query(`create table certificates (serial_number bytea not null, authority_key_identifier bytea not null, ca_label bytea, status bytea not null, reason int, expiry timestamptz, revoked_at timestamptz,
      pem bytea not null, issued_at timestamptz, not_before timestamptz, metadata jsonb, sans jsonb, common_name text, primary key (serial_number, authority_key_identifier));
      create table ocsp_responses (serial_number bytea not null, authority_key_identifier bytea not null, body bytea not null, expiry timestamptz, primary key (serial_number, authority_key_identifier),
        foreign key (serial_number, authority_key_identifier) references certificates (serial_number, authority_key_identifier))`)
  } finally {
    await client.end()
  }
}
