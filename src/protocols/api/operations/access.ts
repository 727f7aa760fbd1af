import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { newSecretToken, tokenSha256 } from '../../../devices/secret-token.ts'
import { CaError } from '../../../errors.ts'
import { roles, type Role } from '../../../http/actor.ts'
import { change } from '../../../http/change.ts'
import { assertScopeWithin, grants, orderedScope, type Grant } from '../../../http/scope.ts'
import { assertInOffice, createSetupLink } from '../../../http/setup-link.ts'
import { adminStore, tokenStore, type Admin, type Token } from '../../../store/access.ts'
import { isUniqueViolation, type Queryable } from '../../../store/db.ts'
import { at, atOrNull, byId, email, id, instant, instantInput, nothing, personName } from '../fields.ts'
import { operation } from '../operation.ts'

const role = z.enum(roles)
const adminFields = { id, name: z.string(), email: z.string(), role, createdAt: instant }
const adminView = z.strictObject(adminFields)
const viewOfAdmin = (a: Admin): z.input<typeof adminView> => ({ id: a.id, name: a.name, email: a.email, role: a.role, createdAt: at(a.createdAt) })

const scope = z.array(z.enum(grants)).min(1).max(grants.length).transform(orderedScope).nullable()
const tokenFields = {
  id, name: z.string(), role, /** What it may use within its role; null is everything. */ scope: z.array(z.enum(grants)).nullable(),
  /** Whose it is: it ends with them. */ admin: id.nullable(), createdAt: instant, expiresAt: instant.nullable(),
}
const tokenView = z.strictObject(tokenFields)
const viewOfToken = (t: Token): z.input<typeof tokenView> => ({
  id: t.id, name: t.name, role: t.role, scope: t.scope as Grant[] | null, admin: t.adminId, createdAt: at(t.createdAt), expiresAt: atOrNull(t.expiresAt),
})

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

export const adminEnd = operation({
  id: 'adminEnd', method: 'post', path: '/admins/{id}/end', role: 'admin',
  summary: 'End an admin, with all tokens that are theirs or that they made.',
  input: byId,
  output: z.strictObject({ ...adminFields, tokensEnded: z.int() }),
  async run(service, actor, input) {
    return await change(service, actor, async (tx, record, now) => {
      const ended = await adminStore(tx).end(input.id, now)
      if (ended === undefined) throw new CaError('person-not-found', 'there is no admin with this id')
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

export const tokenList = operation({
  id: 'tokenList', method: 'get', path: '/tokens', role: 'auditor',
  summary: 'API tokens that have not been ended.',
  input: nothing,
  output: z.strictObject({ items: z.array(tokenView) }),
  run: async service => ({ items: (await tokenStore(service.db).list()).map(viewOfToken) }),
})

export const tokenCreate = operation({
  id: 'tokenCreate', method: 'post', path: '/tokens', role: 'admin', status: 201,
  summary: 'Create an API token for a program. It is told this once.',
  input: z.strictObject({
    name: personName, role: role.default('operator'), expiresAt: instantInput.nullable().default(null),
    /** Areas of the API it may use within its role: `invitations` to change them too, `invitations:read` to read them only. Everything where left out. */
    scope: scope.default(null),
    /** The id of the admin for whom it is; whoever makes it where left out. */
    admin: id.optional(),
  }),
  output: z.strictObject({ ...tokenFields, token: z.string() }),
  async run(service, actor, { admin, ...input }) {
    const secret = newSecretToken()
    return await change(service, actor, async (tx, record, now) => {
      if (input.expiresAt !== null && input.expiresAt <= now) throw new CaError('invalid-argument', 'the token would be over before it begins')
      assertScopeWithin(actor, input.scope)
      await assertInOffice(tx, actor)
      if (admin !== undefined) await assertMayHave(tx, admin, input.role)
      const madeBy = actor.adminId ?? null
      const token: Token = { id: randomUUID(), ...input, adminId: admin ?? madeBy, madeBy, createdAt: now, endedAt: null }
      await tokenStore(tx).add(token, tokenSha256(secret))
      await record('token.create', `token:${token.id}`, { name: token.name, role: token.role, scope: token.scope, admin: token.adminId, expiresAt: token.expiresAt })
      return { ...viewOfToken(token), token: secret }
    })
  },
})

async function assertMayHave(tx: Queryable, adminId: string, asked: Role): Promise<void> {
  const admin = await adminStore(tx).lockInOffice(adminId)
  if (admin === undefined) throw new CaError('person-not-found', 'there is no admin with this id')
  if (roles.indexOf(asked) > roles.indexOf(admin.role)) throw new CaError('invalid-argument', `${admin.name} has the role ${admin.role}, so a token of theirs cannot have more`)
}

export const tokenEnd = operation({
  id: 'tokenEnd', method: 'post', path: '/tokens/{id}/end', role: 'admin',
  summary: 'End a token.',
  input: byId,
  output: tokenView,
  async run(service, actor, input) {
    return await change(service, actor, async (tx, record, now) => {
      const token = await tokenStore(tx).end(input.id, now)
      if (token === undefined) throw new CaError('token-not-found', 'there is no token in force with this id')
      await record('token.end', `token:${token.id}`, { name: token.name })
      return viewOfToken(token)
    })
  },
})
