import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { CaError } from '../../../errors.ts'
import { roles, type Actor, type Role } from '../../../http/actor.ts'
import { change } from '../../../http/change.ts'
import { idleMs } from '../../../http/session.ts'
import { assertInOffice, createSetupLink } from '../../../http/setup-link.ts'
import { adminStore, type Admin } from '../../../store/access.ts'
import { isUniqueViolation, type Queryable } from '../../../store/db.ts'
import { sessionStore } from '../../../store/sessions.ts'
import { at, byId, email, id, instant, nothing, personName } from '../fields.ts'
import { operation } from '../operation.ts'

export const role = z.enum(roles)
const adminFields = { id, name: z.string(), email: z.string(), role, createdAt: instant }
const adminView = z.strictObject(adminFields)
const viewOfAdmin = (a: Admin): z.input<typeof adminView> => ({ id: a.id, name: a.name, email: a.email, role: a.role, createdAt: at(a.createdAt) })

export const adminList = operation({
  id: 'adminList', method: 'get', path: '/admins', role: 'auditor',
  summary: 'People who administer.',
  input: nothing,
  output: z.strictObject({ items: z.array(adminView) }),
  run: async service => ({ items: (await adminStore(service.db).list()).map(viewOfAdmin) }),
})

export const adminCreate = operation({
  id: 'adminCreate', method: 'post', path: '/admins', role: 'admin', status: 201,
  summary: 'Add a person who administers.',
  input: z.strictObject({ name: personName, email, role: role.default('operator') }),
  output: adminView,
  async run(service, actor, input) {
    try {
      return await change(service, actor, async (tx, record, now) => {
        const admin: Admin = { id: randomUUID(), ...input, createdAt: now, endedAt: null }
        await adminStore(tx).add(admin)
        await record('admin.create', `admin:${admin.id}`, input)
        return viewOfAdmin(admin)
      })
    } catch (error) {
      if (isUniqueViolation(error, 'admins_by_email')) throw new CaError('conflict', 'there is an admin with this address')
      throw error
    }
  },
})

const notFound = (): CaError => new CaError('person-not-found', 'there is no admin with this id')

/**
 * Keeps the door from falling shut: of two who take each other's office at once, on any two instances, the second one
 * finds that they may not any more, or that the other is the last.
 *
 * @param then  the role that they have afterwards, where they stay in office
 * @throws {CaError} last-admin; forbidden and unauthorized when whoever asks was too late
 */
async function assertAnotherAdmin(tx: Queryable, actor: Actor, id: string, then?: Role): Promise<void> {
  const admins = await adminStore(tx).lockAdmins()
  await assertInOffice(tx, actor)
  if (then !== 'admin' && admins.length === 1 && admins[0] === id) throw new CaError('last-admin', 'this is the last admin; make another one first')
}

export const adminRole = operation({
  id: 'adminRole', method: 'post', path: '/admins/{id}/role', role: 'admin',
  summary: 'Give an admin another role: at once in every session of theirs, and in tokens that are theirs or that they made, which never do more than they may.',
  input: z.strictObject({ id, role }),
  output: z.strictObject({ ...adminFields, changed: z.boolean(), /** Open sessions in which it counts from now on. */ sessions: z.int() }),
  async run(service, actor, input) {
    return await change(service, actor, async (tx, record, now) => {
      await assertAnotherAdmin(tx, actor, input.id, input.role)
      const admin = await adminStore(tx).lockForChange(input.id)
      if (admin === undefined) throw notFound()
      if (admin.role === input.role) return { ...viewOfAdmin(admin), changed: false, sessions: 0 }
      await adminStore(tx).setRole(admin.id, input.role, now)
      const sessions = await sessionStore(tx).renewAll(admin.id, now, new Date(now.getTime() - idleMs))
      await record('admin.update', `admin:${admin.id}`, { name: admin.name, before: { role: admin.role }, after: { role: input.role } })
      return { ...viewOfAdmin({ ...admin, role: input.role }), changed: true, sessions }
    })
  },
})

export const adminEnd = operation({
  id: 'adminEnd', method: 'post', path: '/admins/{id}/end', role: 'admin',
  summary: 'End an admin, with all tokens that are theirs or that they made.',
  input: byId,
  output: z.strictObject({ ...adminFields, tokensEnded: z.int() }),
  async run(service, actor, input) {
    return await change(service, actor, async (tx, record, now) => {
      await assertAnotherAdmin(tx, actor, input.id)
      const ended = await adminStore(tx).end(input.id, now)
      if (ended === undefined) throw notFound()
      const { admin, tokensEnded } = ended
      await record('admin.end', `admin:${admin.id}`, { name: admin.name, email: admin.email, tokensEnded })
      return { ...viewOfAdmin(admin), tokensEnded }
    })
  },
})

export const setupLinkCreate = operation({
  id: 'setupLinkCreate', method: 'post', path: '/admins/setup-link', role: 'admin', status: 201,
  summary: 'A link with which somebody becomes an admin, once, within an hour.',
  input: nothing,
  output: z.strictObject({ url: z.url(), expiresAt: instant }),
  async run(service, actor) {
    const { url, expiresAt } = await createSetupLink(service, actor)
    return { url, expiresAt: at(expiresAt) }
  },
})

export const adminLinkCreate = operation({
  id: 'adminLinkCreate', method: 'post', path: '/admins/{id}/setup-link', role: 'admin', status: 201,
  summary: 'A link with which an admin sets a password and a passkey, for the first time or anew, once, within an hour. What they signed in with before ends when it is used.',
  input: byId,
  output: z.strictObject({ url: z.url(), expiresAt: instant }),
  async run(service, actor, input) {
    const { url, expiresAt } = await createSetupLink(service, actor, input.id)
    return { url, expiresAt: at(expiresAt) }
  },
})
