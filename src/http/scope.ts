import { CaError } from '../errors.ts'

/** Parts of the API that a token may be kept to. Every operation belongs to one (`operationsByArea`). */
export const areas = [
  'overview', 'models', 'policy', 'invitations', 'people', 'devices', 'certificates', 'templates', 'front-ends', 'admins', 'tokens', 'authorities', 'audit',
] as const
export type Area = typeof areas[number]

/** `invitations` reads and changes; `invitations:read` only reads. */
export type Grant = Area | `${Area}:read`
export const grants: readonly Grant[] = areas.flatMap((area): Grant[] => [area, `${area}:read`])

/** What a token may use, within its role; null is everything. */
export type Scope = readonly Grant[] | null

/** Each grant once, in the order of the areas, and no reading beside the whole. */
export const orderedScope = (scope: readonly Grant[]): Grant[] => grants.filter(grant => scope.includes(grant) && !(grant.endsWith(':read') && scope.includes(grant.slice(0, -5) as Area)))

type Holder = { readonly name: string, readonly scope?: Scope }
const covers = (scope: Scope, grant: Grant): boolean => scope === null || scope.includes(grant) || scope.includes(grant.replace(/:read$/, '') as Area)

/** @throws {CaError} outside-scope */
export function assertScope({ scope = null, name }: Holder, grant: Grant): void {
  if (!covers(scope, grant)) throw new CaError('outside-scope', `this needs the scope ${grant}; ${name} has ${scope!.join(', ')}`)
}

/** A token makes no token that may use more than itself. @throws {CaError} outside-scope */
export function assertScopeWithin(actor: Holder, asked: Scope): void {
  const { scope = null } = actor
  if (scope === null) return
  if (asked === null) throw new CaError('outside-scope', `${actor.name} has the scope ${scope.join(', ')} and can give no token everything`)
  for (const grant of asked) assertScope(actor, grant)
}
