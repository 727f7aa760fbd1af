import { CaError } from '../errors.ts'
import { roles, type Role } from '../store/access.ts'
import type { Scope } from './scope.ts'

export { roles, type Role } from '../store/access.ts'

/** Who asks. `name` and `source` go into the record of changes; `adminId` is the person behind it, where one is on record; `scope` is what a token is kept to. */
export type Actor = { readonly name: string, readonly role: Role, readonly source: string, readonly adminId?: string | null, readonly scope?: Scope }

/** Whoever can open the socket in the data folder can read the database beside it, so nothing is kept from them. */
export const localActor: Actor = { name: 'local', role: 'admin', source: 'socket' }

/** For what may not go over a network, whoever asks. @throws {CaError} forbidden */
export function assertLocal(actor: Actor): void {
  if (actor.source === localActor.source) return
  throw new CaError('forbidden', 'this is done on the machine of the service only, by a command that uses the socket in its data folder')
}

/** @throws {CaError} forbidden */
export function assertRole(actor: Pick<Actor, 'name' | 'role'>, least: Role): void {
  if (roles.indexOf(actor.role) >= roles.indexOf(least)) return
  throw new CaError('forbidden', `this needs the role ${least}; ${actor.name} has the role ${actor.role}`)
}
