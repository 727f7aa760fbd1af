import type { Command } from 'commander'
import { frontEndActiveSync, frontEndAdd, frontEndEnd, frontEndList } from '../protocols/api/operations/front-ends.ts'
import { frontEndKinds, type FrontEndKind } from '../protocols/check/kinds.ts'
import { gateActions, type GateAction } from '../store/activesync.ts'
import { group, leaf, line, type Context, type World } from './command.ts'
import { fields, table, when } from './output.ts'

export function frontEndCommands(root: Command, world: World): void {
  const frontEnd = group(root, 'front-end', 'terminators of TLS that ask about certificates')
  leaf(frontEnd, world, 'list', 'front ends', list)
  leaf(frontEnd, world, 'add <name>', 'add one; prints its secret this once', add, command => command
    .requiredOption('--kind <kind>', Object.keys(frontEndKinds).join(', ')).option('--authority <name>', 'the only authority it may ask about').option('--activesync <action>', gateActions.join(', '), 'observe'))
  leaf(frontEnd, world, 'activesync <name> <action>', `what becomes of ActiveSync requests that contradict their certificate: ${gateActions.join(', ')}`, setActiveSync)
  leaf(frontEnd, world, 'end <name>', 'end one: its secret opens nothing any more', end)
}

async function list({ client, print }: Context): Promise<void> {
  print(await client.call(frontEndList, {}), ({ items }) => table(['name', 'kind', 'passes on', 'authority', 'contradictions', 'since'],
    items.map(f => [f.name, f.kind, f.convention, f.authority ?? 'all', f.activeSync, when(f.createdAt)])))
}

async function add({ client, print }: Context, { kind, authority, activesync }: { kind: string, authority?: string, activesync: string }, name: string): Promise<void> {
  print(await client.call(frontEndAdd, { name, kind: kind as FrontEndKind, authority, activeSync: activesync as GateAction }), f => fields([
    ['name', f.name], ['kind', f.kind], ['passes on', f.convention], ['asks at', f.checkUrl], ['secret', f.secret],
  ]))
}

async function end({ client, print }: Context, _options: object, name: string): Promise<void> {
  print(await client.call(frontEndEnd, { name }), () => line('ended'))
}

async function setActiveSync({ client, print }: Context, _options: object, name: string, action: string): Promise<void> {
  print(await client.call(frontEndActiveSync, { name, action: action as GateAction }), f => line(`contradictions at ${f.name}: ${f.activeSync}`))
}
