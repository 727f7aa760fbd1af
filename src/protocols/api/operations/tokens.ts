import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { newSecretToken, tokenSha256 } from '../../../devices/secret-token.ts'
import { CaError } from '../../../errors.ts'
import { roles, type Role } from '../../../http/actor.ts'
import { change } from '../../../http/change.ts'
import { assertScopeWithin, grants, orderedScope, type Grant } from '../../../http/scope.ts'
import { assertInOffice } from '../../../http/setup-link.ts'
import { adminStore, tokenStore, type Token } from '../../../store/access.ts'
import type { Queryable } from '../../../store/db.ts'
import { at, atOrNull, byId, id, instant, instantInput, nothing, personName } from '../fields.ts'
import { operation } from '../operation.ts'
import { role } from './access.ts'

const scope = z.array(z.enum(grants)).min(1).max(grants.length).transform(orderedScope).nullable()
const tokenFields = {
  id, name: z.string(), role,
  /** Its role, and never more than whoever has it or made it may now. */ actsAs: role, /** What it may use within its role; null is everything. */ scope: z.array(z.enum(grants)).nullable(),
  /** Whose it is: it ends with them. */ admin: id.nullable(), createdAt: instant, expiresAt: instant.nullable(),
}
const tokenView = z.strictObject(tokenFields)
const viewOfToken = (t: Token): z.input<typeof tokenView> => ({
  id: t.id, name: t.name, role: t.role, actsAs: t.actsAs, scope: t.scope as Grant[] | null, admin: t.adminId, createdAt: at(t.createdAt), expiresAt: atOrNull(t.expiresAt),
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
      const token: Token = { id: randomUUID(), ...input, actsAs: input.role, adminId: admin ?? madeBy, madeBy, createdAt: now, endedAt: null }
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
