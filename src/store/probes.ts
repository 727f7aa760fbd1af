import type { CertificateKey } from '../certificates/revoke.ts'
import type { Queryable } from './db.ts'

/**
 * What a certificate is for that a front end is tried out with. `later` is revoked in the middle of the trial, about
 * `outage` nobody gets an answer, and `own` is a phone's.
 */
export const probePurposes = ['good', 'revoked', 'later', 'outage', 'own'] as const
export type ProbePurpose = typeof probePurposes[number]

/** @property asked  how often /check was asked about it by its front end */
export type Probe = CertificateKey & { frontEndId: string, purpose: ProbePurpose, asked: number, createdAt: Date }

type ProbeRow = { authority_id: number, serial_number: Buffer, front_end_id: string, purpose: ProbePurpose, asked: number, created_at: Date }
const columns = 'authority_id, serial_number, front_end_id, purpose, asked, created_at'
const probeOf = (row: ProbeRow): Probe =>
  ({ authorityId: row.authority_id, serialNumber: row.serial_number, frontEndId: row.front_end_id, purpose: row.purpose, asked: row.asked, createdAt: row.created_at })

export function probeStore(db: Queryable) {
  return {
    /** Given again, a phone's certificate is counted from nothing. */
    async add({ authorityId, serialNumber, frontEndId, purpose, createdAt }: Omit<Probe, 'asked'>): Promise<void> {
      await db.query(`insert into front_end_probes (authority_id, serial_number, front_end_id, purpose, created_at) values ($1, $2, $3, $4, $5)
        on conflict (authority_id, serial_number) do update set front_end_id = excluded.front_end_id, asked = 0, created_at = excluded.created_at
        where front_end_probes.purpose = 'own'`, [authorityId, serialNumber, frontEndId, purpose, createdAt])
    },
    /** Counts a question about it. @returns what it is for; undefined when it is no probe of this front end since then */
    async noteAsked(key: CertificateKey, frontEndId: string, since: Date): Promise<ProbePurpose | undefined> {
      const [row] = await db.query<{ purpose: ProbePurpose }>(`update front_end_probes set asked = asked + 1
        where authority_id = $1 and serial_number = $2 and front_end_id = $3 and created_at > $4 returning purpose`, [key.authorityId, key.serialNumber, frontEndId, since])
      return row?.purpose
    },
    /** Newest first. */
    async since(frontEndId: string, since: Date, limit: number): Promise<Probe[]> {
      return (await db.query<ProbeRow>(`select ${columns} from front_end_probes where front_end_id = $1 and created_at > $2
        order by created_at desc, serial_number limit $3`, [frontEndId, since, limit])).map(probeOf)
    },
    async find(serialNumber: Buffer): Promise<Probe | undefined> {
      const [row] = await db.query<ProbeRow>(`select ${columns} from front_end_probes where serial_number = $1 limit 1`, [serialNumber])
      return row === undefined ? undefined : probeOf(row)
    },
    /** How many were made for it since then. */
    async made(frontEndId: string, since: Date): Promise<number> {
      const [row] = await db.query<{ made: number }>(`select count(*) as made from front_end_probes where front_end_id = $1 and created_at > $2 and purpose <> 'own'`, [frontEndId, since])
      return row!.made
    },
    /** Lets go of a phone's certificate. */
    async forget(frontEndId: string): Promise<void> {
      await db.query(`delete from front_end_probes where front_end_id = $1 and purpose = 'own'`, [frontEndId])
    },
    /** Those that nobody tries anything with any more. */
    async prune(before: Date): Promise<void> {
      await db.query(`delete from front_end_probes where (authority_id, serial_number) in (
        select authority_id, serial_number from front_end_probes where created_at < $1 limit 1000)`, [before])
    },
  }
}
