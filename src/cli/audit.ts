import type { Command } from 'commander'
import { auditList } from '../protocols/api/operations/audit.ts'
import { group, leaf, more, paged, type Context, type Paged, type World } from './command.ts'
import { cut, table, when } from './output.ts'

export function auditCommands(root: Command, world: World): void {
  const audit = group(root, 'audit', 'the record of changes')
  leaf(audit, world, 'list', 'changes, newest first', list, command => paged(command).option('--subject <subject>', 'of one thing, for example device:…'))
}

async function list({ client, print }: Context, { subject, limit, cursor }: Paged & { subject?: string }): Promise<void> {
  print(await client.call(auditList, { subject, limit, cursor }), ({ items, next }) => table(['at', 'who', 'from', 'what', 'subject', 'detail'],
    items.map(entry => [when(entry.at), entry.actor, entry.source, entry.action, entry.subject, cut(JSON.stringify(entry.detail))])) + more(next))
}
