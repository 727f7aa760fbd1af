import { CaError } from '../errors.ts'
import type { GateAction } from './activesync.ts'
import { isUniqueViolation, type Queryable } from './db.ts'

/**
 * Whoever terminates TLS and asks `/check`.
 * @property kind what it is, e.g. `nginx`; @property convention how it passes on a certificate. Both are closed lists
 *   of `protocols/check/kinds.ts`
 * @property authorityId the only authority whose certificates it may ask about; required for a bare serial number
 * @property maxAgeSeconds how long the last good data counts there; @property whenStale what then
 * @property activeSync what becomes of a request that contradicts its certificate
 * @property secretSha256 of the bearer secret, which is kept nowhere
 */
export type FrontEnd = {
  id: string
  name: string
  kind: string
  convention: string
  authorityId: number | null
  maxAgeSeconds: number
  whenStale: 'refuse' | 'alarm'
  activeSync: GateAction
  secretSha256: Buffer
  createdAt: Date
  endedAt: Date | null
}

type FrontEndRow = {
  id: string, name: string, kind: string, convention: string, authority_id: number | null, activesync: GateAction, secret_sha256: Buffer
  max_age_seconds: number, when_stale: 'refuse' | 'alarm', created_at: Date, ended_at: Date | null
}
const columns = 'id, name, kind, convention, authority_id, max_age_seconds, when_stale, activesync, secret_sha256, created_at, ended_at'

const frontEndOf = (row: FrontEndRow): FrontEnd => ({
  id: row.id, name: row.name, kind: row.kind, convention: row.convention, authorityId: row.authority_id, maxAgeSeconds: row.max_age_seconds, whenStale: row.when_stale, activeSync: row.activesync,
  secretSha256: row.secret_sha256, createdAt: row.created_at, endedAt: row.ended_at,
})

export function frontEndStore(db: Queryable) {
  return {
    /** @throws {CaError} front-end-exists while one of this name has not ended */
    async add(frontEnd: Omit<FrontEnd, 'endedAt' | 'activeSync'> & Partial<Pick<FrontEnd, 'activeSync'>>): Promise<void> {
      const { id, name, kind, convention, authorityId, maxAgeSeconds, whenStale, activeSync = 'observe', secretSha256, createdAt } = frontEnd
      try {
        await db.query('insert into front_ends (id, name, kind, convention, authority_id, max_age_seconds, when_stale, activesync, secret_sha256, created_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)',
          [id, name, kind, convention, authorityId, maxAgeSeconds, whenStale, activeSync, secretSha256, createdAt])
      } catch (error) {
        if (isUniqueViolation(error, 'front_ends_by_name')) throw new CaError('front-end-exists', `there is a front end named ${name}`)
        throw error
      }
    },
    /** The one of this name that has not ended. */
    async find(name: string): Promise<FrontEnd | undefined> {
      const [row] = await db.query<FrontEndRow>(`select ${columns} from front_ends where name = $1 and ended_at is null`, [name])
      return row === undefined ? undefined : frontEndOf(row)
    },
    /** Those that have not ended, by name. */
    list: async (): Promise<FrontEnd[]> =>
      (await db.query<FrontEndRow>(`select ${columns} from front_ends where ended_at is null order by name`)).map(frontEndOf),
    /** Which of these have not ended. */
    living: async (ids: readonly string[]): Promise<Set<string>> =>
      new Set((await db.query<{ id: string }>('select id from front_ends where id = any($1::uuid[]) and ended_at is null', [ids])).map(row => row.id)),
    /** @throws {CaError} front-end-not-found */
    async setActiveSync(name: string, action: GateAction): Promise<FrontEnd> {
      const [row] = await db.query<FrontEndRow>(`update front_ends set activesync = $2 where name = $1 and ended_at is null returning ${columns}`, [name, action])
      if (row === undefined) throw new CaError('front-end-not-found', `there is no front end named ${name}`)
      return frontEndOf(row)
    },
    /** Its secret opens nothing from now on; its name is free again. @throws {CaError} front-end-not-found */
    async end(name: string, now: Date): Promise<FrontEnd> {
      const [row] = await db.query<FrontEndRow>(
        `update front_ends set ended_at = $2 where name = $1 and ended_at is null returning ${columns}`, [name, now])
      if (row === undefined) throw new CaError('front-end-not-found', `there is no front end named ${name}`)
      return frontEndOf(row)
    },
  }
}
