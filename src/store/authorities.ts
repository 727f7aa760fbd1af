import type { Authorities, Authority, AuthorityRole, AuthoritySigner, SignerPurpose } from '../certificates/authority.ts'
import type { NewAuthority } from '../certificates/hierarchy.ts'
import type { SealedKey } from '../certificates/keyring.ts'
import type { NewCrl } from '../certificates/publish.ts'
import { parseCrl } from '../formats/crl.ts'
import { parseCertificate, type Certificate } from '../formats/x509.ts'
import type { Queryable } from './db.ts'
import { insertCrls } from './crls.ts'

type AuthorityRow = {
  id: number, name: string, role: AuthorityRole, certificate: Buffer, parent_id: number | null, active: boolean, partitions: number
  key_id: string, public_key: Buffer, private_key: Buffer | null
}
type SignerRow = { id: number, authority_id: number, purpose: SignerPurpose, certificate: Buffer, key_id: string, public_key: Buffer, private_key: Buffer | null }

const keyOf = (row: { key_id: string, public_key: Buffer, private_key: Buffer | null }): SealedKey =>
  ({ id: row.key_id, publicKey: row.public_key, privateKey: row.private_key })

export async function loadAuthorities(db: Queryable): Promise<Authorities> {
  const authorities = await db.query<AuthorityRow>(`
    select a.id, a.name, a.role, a.certificate, a.parent_id, a.active, a.partitions, a.key_id, k.public_key, k.private_key
      from authorities a join keys k on k.id = a.key_id order by a.id`)
  const signers = await db.query<SignerRow>(`
    select s.id, s.authority_id, s.purpose, s.certificate, s.key_id, k.public_key, k.private_key
      from signers s join keys k on k.id = s.key_id order by s.id`)
  return {
    all: authorities.map((row): Authority => ({
      id: row.id, name: row.name, role: row.role, certificate: parseCertificate(row.certificate), key: keyOf(row),
      parentId: row.parent_id, active: row.active, partitions: row.partitions,
    })),
    signers: signers.map((row): AuthoritySigner => ({
      id: row.id, authorityId: row.authority_id, purpose: row.purpose, certificate: parseCertificate(row.certificate), key: keyOf(row),
    })),
  }
}

/** Whether private keys are kept here, which only their passphrase opens. */
export const anyKeys = async (db: Queryable): Promise<boolean> => (await db.query('select 1 from keys where private_key is not null limit 1')).length > 0

async function insertKey(tx: Queryable, key: SealedKey, now: Date): Promise<void> {
  await tx.query('insert into keys (id, public_key, private_key, created_at) values ($1, $2, $3, $4) on conflict (public_key) do nothing',
    [key.id, key.publicKey, key.privateKey, now])
}

const keyIdOf = async (tx: Queryable, key: SealedKey): Promise<string> =>
  (await tx.query<{ id: string }>('select id from keys where public_key = $1', [key.publicKey]))[0]!.id

export function hierarchyStore(tx: Queryable) {
  return {
    async lockAndFind(role: AuthorityRole): Promise<boolean> {
      await tx.query('lock table authorities in share row exclusive mode')
      return (await tx.query('select 1 from authorities where role = $1 limit 1', [role])).length > 0
    },
    async lockAndCount(role: AuthorityRole): Promise<{ count: number, activeId: number | undefined }> {
      await tx.query('lock table authorities in share row exclusive mode')
      const rows = await tx.query<{ id: number, active: boolean }>('select id, active from authorities where role = $1', [role])
      return { count: rows.length, activeId: rows.find(({ active }) => active)?.id }
    },
    /** Every authority that there is, in the order in which whoever locks several has to; publications hold one at a time. */
    async lockAll(): Promise<void> {
      await tx.query('select 1 from authorities order by id for no key update')
    },
    async addAuthority(authority: NewAuthority, now: Date): Promise<number> {
      await insertKey(tx, authority.key, now)
      const [row] = await tx.query<{ id: number }>(`
        insert into authorities (name, role, certificate, key_id, parent_id, partitions, created_at, crl_number)
        values ($1, $2, $3, $4, (select id from authorities where name = $5), $6, $7, $8) returning id`,
      [authority.name, authority.role, authority.certificate, await keyIdOf(tx, authority.key), authority.parent, authority.partitions, now, authority.crlNumber ?? 0])
      return row!.id
    },
    /** The active authority of a role goes on to answer for what it issued, and issues no more. */
    async retire(role: AuthorityRole): Promise<void> {
      await tx.query('update authorities set active = false where role = $1 and active', [role])
    },
    /** One that was replaced counts again; `retire` goes before. */
    async activate(authorityId: number): Promise<void> {
      await tx.query('update authorities set active = true where id = $1', [authorityId])
    },
    /** Takes the private key away for good. */
    async removePrivateKey(keyId: string): Promise<void> {
      await tx.query('update keys set private_key = null where id = $1', [keyId])
    },
    async restorePrivateKey(publicKey: Buffer, privateKey: Buffer): Promise<void> {
      await tx.query('update keys set private_key = $2 where public_key = $1', [publicKey, privateKey])
    },
    /** A list of the root also takes back, for good, the issuing CAs that it names. */
    async addCrl(authorityId: number, crlNumber: number, crls: NewCrl[]): Promise<void> {
      await insertCrls(tx, authorityId, crlNumber, crls)
      const entries = crls.flatMap(crl => [...parseCrl(crl.der).entries()])
      if (entries.length === 0) return
      for (const { id, certificate } of await tx.query<{ id: number, certificate: Buffer }>('select id, certificate from authorities where parent_id = $1', [authorityId])) {
        const { serialNumber } = parseCertificate(certificate)
        const entry = entries.find(candidate => candidate.serialNumber === serialNumber)
        if (entry !== undefined) await tx.query('update authorities set revoked_at = coalesce(revoked_at, $2) where id = $1', [id, entry.revocationDate])
      }
    },
  }
}

export function signerStore(tx: Queryable) {
  return {
    async lockSigner(authorityId: number, purpose: SignerPurpose): Promise<Date | undefined> {
      await tx.query('select 1 from authorities where id = $1 for no key update', [authorityId])
      const [row] = await tx.query<{ not_after: Date }>(
        'select not_after from signers where authority_id = $1 and purpose = $2 order by id desc limit 1', [authorityId, purpose])
      return row?.not_after
    },
    async addSigner(signer: { authorityId: number, purpose: SignerPurpose, certificate: Certificate, key: SealedKey }): Promise<void> {
      const { authorityId, purpose, certificate, key } = signer
      await insertKey(tx, key, certificate.notBefore)
      await tx.query('insert into signers (authority_id, purpose, certificate, key_id, not_before, not_after) values ($1, $2, $3, $4, $5, $6)',
        [authorityId, purpose, certificate.raw, await keyIdOf(tx, key), certificate.notBefore, certificate.notAfter])
    },
  }
}

/**
 * Writes down the addresses under which each partition is found from now on, and the number of partitions
 * when it has grown: before any certificate carries them.
 */
export async function registerPartitions(tx: Queryable, authorityId: number, partitions: number, urlOf: (partition: number) => string): Promise<number> {
  const [row] = await tx.query<{ partitions: number }>(
    'update authorities set partitions = greatest(partitions, $2) where id = $1 returning partitions', [authorityId, partitions])
  const urls = Array.from({ length: row!.partitions }, (_, partition) => urlOf(partition))
  await tx.query(`
    insert into crl_addresses (authority_id, partition, url)
    select $1, (position - 1)::smallint, url from unnest($2::text[]) with ordinality as given (url, position)
    on conflict do nothing`, [authorityId, urls])
  return row!.partitions
}

/** Which of these addresses are not on record, one of each authority. */
export async function authoritiesWithoutAddress(db: Queryable, addresses: readonly { authorityId: number, partition: number, url: string }[]): Promise<number[]> {
  const rows = await db.query<{ authority_id: number }>(`
    select given.authority_id from unnest($1::smallint[], $2::smallint[], $3::text[]) as given (authority_id, partition, url)
    where not exists (select 1 from crl_addresses a where a.authority_id = given.authority_id and a.partition = given.partition and a.url = given.url)`,
  [addresses.map(({ authorityId }) => authorityId), addresses.map(({ partition }) => partition), addresses.map(({ url }) => url)])
  return rows.map(row => row.authority_id)
}
