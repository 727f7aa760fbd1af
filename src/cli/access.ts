import type { Command } from 'commander'
import type { Role } from '../http/actor.ts'
import type { Grant } from '../http/scope.ts'
import { adminCreate, adminEnd, adminLinkCreate, adminList, adminRole, setupLinkCreate } from '../protocols/api/operations/access.ts'
import { tokenCreate, tokenEnd, tokenList } from '../protocols/api/operations/tokens.ts'
import type { NoticeKind } from '../store/admin-notices.ts'
import { adminNoticesChoose, adminNoticesShow } from '../protocols/api/operations/admin-notices.ts'
import { group, leaf, line, untilInstant, type Context, type World } from './command.ts'
import { fields, table, when } from './output.ts'

export function accessCommands(root: Command, world: World): void {
  const admin = group(root, 'admin', 'people who administer')
  leaf(admin, world, 'list', 'people who administer', listAdmins)
  leaf(admin, world, 'create', 'add one', createAdmin, command => command
    .requiredOption('--name <name>', 'name').requiredOption('--email <address>', 'address').option('--role <role>', 'auditor, operator or admin', 'operator'))
  leaf(admin, world, 'role <id> <role>', 'give one another role, at once in every session and token of theirs', changeRole)
  leaf(admin, world, 'end <id>', 'end one, with all their tokens', endAdmin)
  leaf(admin, world, 'notices <id>', 'what one is told of by mail, or to choose it', notices, command => command
    .option('--on <kind...>', 'also tell of this: device.quarantined, front-end.standing, certificates.ending, signing.late, webhook.failed, policy.finished').option('--off <kind...>', 'no more'))
  leaf(admin, world, 'link <id>', 'a link with which one sets a password and a passkey, for the first time or anew', adminLink)
  leaf(admin, world, 'setup-link', 'a link that makes an admin, once, within an hour', setupLink)
  const token = group(root, 'token', 'API tokens of programs')
  leaf(token, world, 'list', 'tokens', listTokens)
  leaf(token, world, 'create', 'create one; prints it this once', createToken, command => command
    .requiredOption('--name <name>', 'what it is for').option('--role <role>', 'auditor, operator or admin', 'operator').option('--until <day>', 'the last day', untilInstant)
    .option('--scope <area...>', 'what it may use within its role: an area such as invitations, or certificates:read; everything where left out')
    .option('--admin <id>', 'the admin whose it is, and with whom it ends; yours where left out'))
  leaf(token, world, 'end <id>', 'end one', endToken)
}

async function listAdmins({ client, print }: Context): Promise<void> {
  print(await client.call(adminList, {}), ({ items }) => table(['name', 'email', 'role', 'since', 'id'], items.map(a => [a.name, a.email, a.role, when(a.createdAt), a.id])))
}

async function createAdmin({ client, print }: Context, { name, email, role }: { name: string, email: string, role: string }): Promise<void> {
  print(await client.call(adminCreate, { name, email, role: role as Role }), admin => line(`${admin.role} ${admin.name} (${admin.id})`))
}

async function endAdmin({ client, print }: Context, _options: object, id: string): Promise<void> {
  print(await client.call(adminEnd, { id }), ({ name, tokensEnded }) => line(`ended: ${name}, with ${tokensEnded} ${tokensEnded === 1 ? 'token' : 'tokens'}`))
}

async function changeRole({ client, print }: Context, _options: object, id: string, role: string): Promise<void> {
  print(await client.call(adminRole, { id, role: role as Role }), ({ name, role: now, changed, sessions }) =>
    line(changed ? `${name} is ${now} from now on, in ${sessions} open ${sessions === 1 ? 'session' : 'sessions'} too` : `${name} was ${now} already`))
}

async function notices({ client, print }: Context, { on = [], off = [] }: { on?: string[], off?: string[] }, id: string): Promise<void> {
  const before = await client.call(adminNoticesShow, { id })
  const wanted = [...new Set([...before.wanted, ...on])].filter(kind => !off.includes(kind)) as NoticeKind[]
  print(on.length + off.length === 0 ? before : await client.call(adminNoticesChoose, { id, wanted }), after => line(`told of: ${after.wanted.join(', ') || 'nothing'}`))
}

async function adminLink({ client, print }: Context, _options: object, id: string): Promise<void> {
  print(await client.call(adminLinkCreate, { id }), ({ url, expiresAt }) => line(url) + line(`once, until ${when(expiresAt)}`))
}

async function setupLink({ client, print }: Context): Promise<void> {
  print(await client.call(setupLinkCreate, {}), ({ url, expiresAt }) => line(url) + line(`once, until ${when(expiresAt)}`))
}

async function listTokens({ client, print }: Context): Promise<void> {
  print(await client.call(tokenList, {}), ({ items }) => table(['name', 'role', 'acts as', 'scope', 'since', 'until', 'id'], items.map(t => [t.name, t.role, t.actsAs, scopeInWords(t.scope), when(t.createdAt), when(t.expiresAt), t.id])))
}

async function createToken({ client, print }: Context, { name, role, scope, until, admin }: { name: string, role: string, scope?: string[], until?: string, admin?: string }): Promise<void> {
  print(await client.call(tokenCreate, { name, role: role as Role, scope: scope as Grant[] | undefined, expiresAt: until, admin }), t => fields([['token', t.token], ['role', t.role], ['scope', scopeInWords(t.scope)], ['until', when(t.expiresAt)], ['id', t.id]]))
}

const scopeInWords = (scope: readonly string[] | null): string => scope === null ? 'everything' : scope.join(', ')

async function endToken({ client, print }: Context, _options: object, id: string): Promise<void> {
  print(await client.call(tokenEnd, { id }), token => line(`ended: ${token.name}`))
}
