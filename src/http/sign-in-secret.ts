import { randomBytes } from 'node:crypto'
import type { Database } from '../store/db.ts'
import { consoleSecret } from '../store/sign-in-guard.ts'
import type { Service } from './service.ts'

const secrets = new WeakMap<Database, Promise<Buffer>>()

/** Read once per process: it never changes. */
export function secretOf({ db }: Pick<Service, 'db'>): Promise<Buffer> {
  const known = secrets.get(db)
  if (known !== undefined) return known
  const reading = consoleSecret(db, () => randomBytes(32))
  secrets.set(db, reading)
  // An outage is not remembered.
  reading.catch(() => { secrets.delete(db) })
  return reading
}
