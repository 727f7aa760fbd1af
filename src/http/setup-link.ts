import { randomUUID } from 'node:crypto'
import { newSecretToken, tokenSha256 } from '../devices/secret-token.ts'
import { CaError } from '../errors.ts'
import { adminStore, setupLinkStore, tokenStore, type Admin } from '../store/access.ts'
import { isUniqueViolation, type Queryable } from '../store/db.ts'
import { change } from './change.ts'
import type { Actor } from './actor.ts'
import type { Service } from './service.ts'

const setupLinkMs = 60 * 60 * 1000

/**
 * A link with which somebody becomes an admin, once, within an hour. The token stands in the link and nowhere else.
 *
 * @param admin  who makes it for another one; left out at a start, whose link is for the first admin and no other
 * @throws {CaError} unauthorized when the admin has ended meanwhile
 */
export async function createSetupLink(service: Pick<Service, 'db' | 'now' | 'config'>, admin?: Actor): Promise<{ url: string, expiresAt: Date }> {
  const token = newSecretToken()
  return await change(service, admin ?? { name: 'latchkey', source: 'start' }, async (tx, record, now) => {
    const expiresAt = new Date(now.getTime() + setupLinkMs)
    if (admin !== undefined) await assertInOffice(tx, admin)
    await setupLinkStore(tx).add({ tokenSha256: tokenSha256(token), byAdmin: admin !== undefined, adminId: admin?.adminId ?? null, expiresAt })
    await record('setup-link.create', 'setup-link', { expiresAt })
    return { url: `${service.config.url}/setup?token=${token}`, expiresAt }
  })
}

/** For what outlives the request: an admin who ends at this moment ends it too, or is found to have ended. @throws {CaError} unauthorized */
export async function assertInOffice(tx: Queryable, { adminId = null }: Actor): Promise<void> {
  if (adminId !== null && await adminStore(tx).lockInOffice(adminId) === undefined) throw new CaError('unauthorized', 'the admin behind this token has ended')
}

/** Whether the link would still be taken. Looking consumes nothing: mail scanners open every link. */
export const isSetupLinkOpen = async (service: Pick<Service, 'db' | 'now'>, token: string): Promise<boolean> =>
  await setupLinkStore(service.db).isOpen(tokenSha256(token), service.now())

/**
 * Makes an admin of whoever has the link, with an API token that is told this once.
 *
 * @param person  checked already, as every name and address that comes in
 * @throws {CaError} setup-link-invalid when it is unknown, used or over, or for a first admin when there is one; conflict when there is an admin of that address
 */
export async function consumeSetupLink(service: Pick<Service, 'db' | 'now'>, token: string, person: { name: string, email: string }): Promise<{ admin: Admin, token: string }> {
  const apiToken = newSecretToken()
  try {
    return await change(service, { name: person.email, source: 'setup-link' }, async (tx, record, now) => {
      if (!await setupLinkStore(tx).consume(tokenSha256(token), now)) {
        throw new CaError('setup-link-invalid', 'this link was used, has ended, or never was one')
      }
      const admin: Admin = { id: randomUUID(), ...person, role: 'admin', createdAt: now, endedAt: null }
      await adminStore(tx).add(admin)
      const name = `${person.name}, from the setup link`.slice(0, 100)
      await tokenStore(tx).add({ id: randomUUID(), name, role: 'admin', adminId: admin.id, madeBy: null, createdAt: now, expiresAt: null, endedAt: null }, tokenSha256(apiToken))
      await record('admin.create', `admin:${admin.id}`, { name: person.name, email: person.email, role: 'admin' })
      return { admin, token: apiToken }
    })
  } catch (error) {
    if (isUniqueViolation(error, 'admins_by_email')) throw new CaError('conflict', 'there is an admin with this address')
    throw error
  }
}
