import type { Command } from 'commander'
import { auditList, auditShow } from '../protocols/api/operations/audit.ts'
import { group, leaf, more, paged, sorted, untilInstant, type Context, type Paged, type World } from './command.ts'
import { writeCsv } from './csv.ts'
import { cut, fields, table, when } from './output.ts'

export function auditCommands(root: Command, world: World): void {
  const audit = group(root, 'audit', 'the record of changes')
  leaf(audit, world, 'list', 'changes, newest first', list, command => sorted(paged(filtered(command)), 'at: the oldest first'))
  leaf(audit, world, 'show <id>', 'one change, with all that is on record of it', show)
  leaf(audit, world, 'export', 'changes as comma-separated values, newest first', exportAll, filtered)
}

const filtered = (command: Command): Command => command
  .option('--subject <subject>', 'of one thing, for example device:…').option('--actor <name>', 'by one actor').option('--action <action>', 'of one kind: invitation, or invitation.end')
  .option('--from <instant>', 'not before; a day means from its beginning', sinceInstant).option('--until <instant>', 'not after; a day means to its end', untilInstant)

/** A day means from its beginning, in UTC. */
const sinceInstant = (text: string): string => untilInstant(text === text.slice(0, 10) ? `${text}T00:00:00Z` : text)

type Filter = { subject?: string, actor?: string, action?: string, from?: string, until?: string }

async function list({ client, print }: Context, { subject, actor, action, from, until, sort, limit, cursor }: Paged & Filter & { sort?: 'at' }): Promise<void> {
  print(await client.call(auditList, { subject, actor, action, from, until, sort, limit, cursor }), ({ items, next }) => table(['id', 'at', 'who', 'from', 'what', 'subject', 'detail'],
    items.map(entry => [entry.id, when(entry.at), entry.actor, entry.source, entry.action, entry.subject, cut(JSON.stringify(entry.detail))])) + more(next))
}

async function show({ client, print }: Context, _options: object, id: string): Promise<void> {
  print(await client.call(auditShow, { id }), entry => fields([
    ['at', when(entry.at)], ['who', entry.actor], ['from', entry.source], ['what', entry.action], ['subject', entry.subject], ['detail', JSON.stringify(entry.detail)],
  ]))
}

async function exportAll(context: Context, { subject, actor, action, from, until }: Filter): Promise<void> {
  await writeCsv(context, auditList, { subject, actor, action, from, until })
}
