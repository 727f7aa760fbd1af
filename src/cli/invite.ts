import type { Command } from 'commander'
import { renderUnicodeCompact } from 'uqr'
import { inviteBatch } from '../protocols/api/operations/invitation-batch.ts'
import { inviteResend } from '../protocols/api/operations/invitation-link.ts'
import { inviteCreate, inviteEnd, inviteList, inviteShow } from '../protocols/api/operations/invitations.ts'
import { group, leaf, line, more, paged, sorted, wholeNumber, type Context, type Paged, type World } from './command.ts'
import { readText } from './files.ts'
import { exitCodes, fields, table, when } from './output.ts'

export function inviteCommands(root: Command, world: World): void {
  const invite = group(root, 'invite', 'one-time links for people')
  leaf(invite, world, 'create', 'invite a person; prints the link this once', create, command => command
    .requiredOption('--name <name>', 'the person’s name, as certificates will say it').requiredOption('--email <address>', 'the person’s address')
    .option('--user-principal-name <upn>', 'the name in a directory').option('--group <name...>', 'groups that rules can name; they replace those on record, which takes an admin')
    .option('--language <en|de>', 'in which the person is written to; both where nobody said')
    .option('--template <name>', 'what the configuration profile carries', 'default').option('--devices <n>', 'how many devices may enroll', wholeNumber, 1)
    .option('--key <device|delivered>', 'where the private key is born', 'device').option('--days <n>', 'how long the link opens', wholeNumber).option('--send', 'also mail the link to the person'))
  leaf(invite, world, 'list', 'invitations, newest first', list, command => sorted(paged(command), 'created, person or ends').option('--email <address>', 'of one person'))
  leaf(invite, world, 'show <id>', 'one invitation, and how far phones came under it', show)
  leaf(invite, world, 'batch <file>', 'invite many people from a file of comma-separated values; without --create it only checks', batch,
    command => command.option('--create', 'create them, all or none, and print the links this once').option('--send', 'also mail each link to its person'))
  leaf(invite, world, 'resend <id>', 'a new link for the same invitation; the old one ends. Prints it this once', resend, command => command
    .option('--days <n>', 'how long it opens', wholeNumber).option('--send', 'also mail it to the person'))
  leaf(invite, world, 'end <id>', 'end an invitation; certificates stay', end)
}

type CreateOptions = {
  name: string, email: string, userPrincipalName?: string, group?: string[], language?: 'en' | 'de', template: string, devices: number, key: 'device' | 'delivered', days?: number, send?: boolean
}

async function create({ client, print, world }: Context, options: CreateOptions): Promise<void> {
  const { name, email, userPrincipalName, group: groups, language, template, devices, key, days, send } = options
  print(await client.call(inviteCreate, { name, email, userPrincipalName, groups, language, template, devices, key, days, send }), linkInWords(world))
}

async function resend({ client, print, world }: Context, { days, send }: { days?: number, send?: boolean }, id: string): Promise<void> {
  print(await client.call(inviteResend, { id, days, send }), linkInWords(world))
}

const linkInWords = (world: World) => ({ id, url, expiresAt }: { id: string, url: string, expiresAt: string }): string => {
  const code = world.stdout.isTTY === true ? `${renderUnicodeCompact(url, { border: 2 })}\n` : ''
  return `${code}${line(url)}${line(`opens until ${when(expiresAt)}; invitation ${id}`)}`
}

async function list({ client, print }: Context, { email, sort, limit, cursor }: Paged & { email?: string, sort?: 'person' }): Promise<void> {
  print(await client.call(inviteList, { email, sort, limit, cursor }), ({ items, next }) => table(['person', 'email', 'devices', 'state', 'opens until', 'template', 'key', 'id'],
    items.map(i => [i.personName, i.personEmail, `${i.devicesEnrolled} of ${i.devices}`, i.state, when(i.expiresAt), i.template, i.key, i.id])) + more(next))
}

async function show({ client, print }: Context, _options: object, id: string): Promise<void> {
  print(await client.call(inviteShow, { id }), ({ invitation: i, attempts }) => fields([
    ['person', i.personName], ['email', i.personEmail], ['devices', `${i.devicesEnrolled} of ${i.devices}`], ['state', i.state], ['opens until', when(i.expiresAt)],
    ['template', i.template], ['key', i.key],
  ]) + table(['last changed', 'state', 'stopped by', 'at', 'decision', 'device'], attempts.map(a => [when(a.at), a.state, a.error, a.step, a.because, a.deviceId])))
}

async function batch({ client, print, world }: Context, { create = false, send }: { create?: boolean, send?: boolean }, file: string): Promise<void> {
  const result = await client.call(inviteBatch, { csv: readText(file), create, send })
  if (result.mistakes > 0) world.exitCode = exitCodes.failed
  print(result, ({ lines, mistakes, created }) => table(['line', 'person', 'email', created ? 'link' : 'remarks'],
    lines.map(l => [l.line, l.name, l.email, l.invitation?.url ?? [...l.mistakes, ...l.notes].join('; ')]))
    + line(created ? `${lines.length} invited` : mistakes > 0 ? `${mistakes} of ${lines.length} lines have mistakes: nothing was created` : `${lines.length} lines are good; --create creates them`))
}

async function end({ client, print }: Context, _options: object, id: string): Promise<void> {
  print(await client.call(inviteEnd, { id }), ({ changed }) => line(changed ? 'ended' : 'had ended already'))
}
