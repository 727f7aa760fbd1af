import { randomUUID } from 'node:crypto'
import { newSecretToken, tokenSha256 } from '../devices/secret-token.ts'
import { CaError } from '../errors.ts'
import { adminStore, setupLinkStore, type Admin } from '../store/access.ts'
import { passkeyStore, passwordStore, recoveryCodeStore } from '../store/credentials.ts'
import { isUniqueViolation, type Queryable } from '../store/db.ts'
import { sessionStore } from '../store/sessions.ts'
import { change } from './change.ts'
import type { Actor } from './actor.ts'
import type { Service } from './service.ts'

const setupLinkMs = 60 * 60 * 1000
const fromStart = { name: 'latchkey', source: 'start' }

/**
 * A link with which somebody becomes an admin, or an admin sets a password anew: once, within an hour.
 * The token stands in the link and nowhere else.
 *
 * @param adminId  whom it is for; without it, it makes a new admin
 * @throws {CaError} person-not-found
 */
export async function createSetupLink(service: Pick<Service, 'db' | 'now' | 'config'>, actor: Pick<Actor, 'name' | 'source'> = fromStart, adminId?: string): Promise<{ url: string, expiresAt: Date }> {
  const token = newSecretToken()
  return await change(service, actor, async (tx, record, now) => {
    if (adminId !== undefined && await adminStore(tx).find(adminId) === undefined) throw new CaError('person-not-found', 'there is no admin with this id')
    const expiresAt = new Date(now.getTime() + setupLinkMs)
    await setupLinkStore(tx).add(tokenSha256(token), expiresAt, adminId ?? null)
    await record('setup-link.create', adminId === undefined ? 'setup-link' : `admin:${adminId}`, { expiresAt })
    return { url: `${service.config.url}/setup?token=${token}`, expiresAt }
  })
}

/** Whom a link that would still be taken is for. Looking consumes nothing: mail scanners open every link. */
export async function findSetupLink(service: Pick<Service, 'db' | 'now'>, token: string): Promise<{ admin: Admin | undefined } | undefined> {
  const link = await setupLinkStore(service.db).find(tokenSha256(token), service.now())
  if (link === undefined) return undefined
  if (link.adminId === null) return { admin: undefined }
  const admin = await adminStore(service.db).find(link.adminId)
  return admin === undefined ? undefined : { admin }
}

/** @property passwordHash  argon2id in PHC format */
export type NewAdmin = { name: string, email: string, passwordHash: string }

/**
 * Makes an admin of whoever has the link, or gives the admin it is for a new password; what that one signed in with
 * before ends then, because a lost phone may have been found.
 *
 * @param andThen  in the same transaction
 * @throws {CaError} setup-link-invalid when it is unknown, used or over; conflict when there is an admin of that address
 */
export async function consumeSetupLink(service: Pick<Service, 'db' | 'now'>, token: string, person: NewAdmin, andThen: (tx: Queryable, admin: Admin, now: Date) => Promise<void> = async () => {}): Promise<Admin> {
  try {
    return await change(service, { name: person.email, source: 'setup-link' }, async (tx, record, now) => {
      const link = await setupLinkStore(tx).consume(tokenSha256(token), now)
      const known = link === undefined || link.adminId === null ? undefined : await adminStore(tx).find(link.adminId)
      if (link === undefined || (link.adminId !== null && known === undefined)) throw new CaError('setup-link-invalid', 'this link was used, has ended, or never was one')
      const admin: Admin = known ?? { id: randomUUID(), name: person.name, email: person.email, role: 'admin', createdAt: now, endedAt: null }
      if (known === undefined) await adminStore(tx).add(admin)
      else await endCredentials(tx, admin.id, now)
      await passwordStore(tx).set(admin.id, person.passwordHash, now)
      await record(known === undefined ? 'admin.create' : 'admin.reset', `admin:${admin.id}`, { name: admin.name, email: admin.email, role: admin.role })
      await andThen(tx, admin, now)
      return admin
    })
  } catch (error) {
    if (isUniqueViolation(error, 'admins_by_email')) throw new CaError('conflict', 'there is an admin with this address')
    throw error
  }
}

async function endCredentials(tx: Queryable, adminId: string, now: Date): Promise<void> {
  await passkeyStore(tx).endAll(adminId, now)
  await recoveryCodeStore(tx).replace(adminId, [], now)
  await sessionStore(tx).endAll(adminId, now)
}
