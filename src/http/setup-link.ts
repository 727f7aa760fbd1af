import { randomUUID } from 'node:crypto'
import { newSecretToken, tokenSha256 } from '../devices/secret-token.ts'
import { CaError } from '../errors.ts'
import { adminStore, setupLinkStore, type Admin } from '../store/access.ts'
import { passkeyStore, passwordStore, recoveryCodeStore } from '../store/credentials.ts'
import { isUniqueViolation, type Queryable } from '../store/db.ts'
import { sessionStore } from '../store/sessions.ts'
import { change } from './change.ts'
import { assertRole, type Actor } from './actor.ts'
import type { Service } from './service.ts'

const setupLinkMs = 60 * 60 * 1000
const fromStart = { name: 'latchkey', source: 'start' }

/**
 * A link with which somebody becomes an admin, or an admin sets a password anew: once, within an hour.
 * The token stands in the link and nowhere else.
 *
 * @param maker  who makes it for another one; left out at a start, whose link is for the first admin and no other
 * @param adminId  whom it is for; without it, it makes a new admin
 * @throws {CaError} unauthorized when the maker has ended meanwhile; person-not-found
 */
export async function createSetupLink(service: Pick<Service, 'db' | 'now' | 'config'>, maker?: Actor, adminId?: string): Promise<{ url: string, expiresAt: Date }> {
  const token = newSecretToken()
  return await change(service, maker ?? fromStart, async (tx, record, now) => {
    const expiresAt = new Date(now.getTime() + setupLinkMs)
    if (maker !== undefined) await assertInOffice(tx, maker)
    if (adminId !== undefined && await adminStore(tx).lockInOffice(adminId) === undefined) throw new CaError('person-not-found', 'there is no admin with this id')
    await setupLinkStore(tx).add({ tokenSha256: tokenSha256(token), byAdmin: maker !== undefined, madeBy: maker?.adminId ?? null, forAdmin: adminId ?? null, expiresAt })
    await record('setup-link.create', adminId === undefined ? 'setup-link' : `admin:${adminId}`, { expiresAt })
    return { url: `${service.config.url}/setup?token=${token}`, expiresAt }
  })
}

/** For what outlives the request: an admin who ends at this moment ends it too, or is found to have ended; likewise one whose role is lowered. @throws {CaError} unauthorized; forbidden */
export async function assertInOffice(tx: Queryable, { adminId = null, role }: Actor): Promise<void> {
  if (adminId === null) return
  const admin = await adminStore(tx).lockInOffice(adminId)
  if (admin === undefined) throw new CaError('unauthorized', 'the admin who asks has ended')
  assertRole(admin, role)
}

/** Whom a link that would still be taken is for. Looking consumes nothing: mail scanners open every link. */
export async function findSetupLink(service: Pick<Service, 'db' | 'now'>, token: string): Promise<{ admin: Admin | undefined } | undefined> {
  const link = await setupLinkStore(service.db).find(tokenSha256(token), service.now())
  if (link === undefined) return undefined
  if (link.forAdmin === null) return { admin: undefined }
  const admin = await adminStore(service.db).find(link.forAdmin)
  return admin === undefined ? undefined : { admin }
}

/** Checked already, as every name and address that comes in. @property passwordHash  argon2id in PHC format */
export type NewAdmin = { name: string, email: string, passwordHash: string }

/**
 * Makes an admin of whoever has the link, or gives the admin it is for a new password; what that one signed in with
 * before ends then, because a lost phone may have been found.
 *
 * @param andThen  in the same transaction
 * @throws {CaError} setup-link-invalid when it is unknown, used or over, or for a first admin when there is one; conflict when there is an admin of that address
 */
export async function consumeSetupLink(service: Pick<Service, 'db' | 'now'>, token: string, person: NewAdmin, andThen: (tx: Queryable, admin: Admin, now: Date) => Promise<void> = async () => {}): Promise<Admin> {
  try {
    return await change(service, { name: person.email, source: 'setup-link' }, async (tx, record, now) => {
      const link = await setupLinkStore(tx).consume(tokenSha256(token), now)
      const known = link === undefined || link.forAdmin === null ? undefined : await adminStore(tx).lockInOffice(link.forAdmin)
      if (link === undefined || (link.forAdmin !== null && known === undefined)) throw new CaError('setup-link-invalid', 'this link was used, has ended, or never was one')
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
