import type { Command } from 'commander'
import { frontEndAdd, frontEndEnd, frontEndList } from '../protocols/api/operations/front-ends.ts'
import { frontEndKinds, type FrontEndKind } from '../protocols/check/kinds.ts'
import { group, leaf, line, type Context, type World } from './command.ts'
import { fields, table, when } from './output.ts'

export function frontEndCommands(root: Command, world: World): void {
  const frontEnd = group(root, 'front-end', 'terminators of TLS that ask about certificates')
  leaf(frontEnd, world, 'list', 'front ends', list)
  leaf(frontEnd, world, 'add <name>', 'add one; prints its secret this once', add, command => command
    .requiredOption('--kind <kind>', Object.keys(frontEndKinds).join(', ')).option('--authority <name>', 'the only authority it may ask about'))
  leaf(frontEnd, world, 'end <name>', 'end one: its secret opens nothing any more', end)
}

async function list({ client, print }: Context): Promise<void> {
  print(await client.call(frontEndList, {}), ({ items }) => table(['name', 'kind', 'passes on', 'authority', 'since'],
    items.map(f => [f.name, f.kind, f.convention, f.authority ?? 'all', when(f.createdAt)])))
}

async function add({ client, print }: Context, { kind, authority }: { kind: string, authority?: string }, name: string): Promise<void> {
  print(await client.call(frontEndAdd, { name, kind: kind as FrontEndKind, authority }), f => fields([
    ['name', f.name], ['kind', f.kind], ['passes on', f.convention], ['asks at', f.checkUrl], ['secret', f.secret],
  ]))
}

async function end({ client, print }: Context, _options: object, name: string): Promise<void> {
  print(await client.call(frontEndEnd, { name }), () => line('ended'))
}
