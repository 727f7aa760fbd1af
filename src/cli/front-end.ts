import type { Command } from 'commander'
import { doctorCommands } from './doctor.ts'
import { frontEndActiveSync, frontEndAdd, frontEndEnd, frontEndList } from '../protocols/api/operations/front-ends.ts'
import { frontEndEnforcement } from '../protocols/api/operations/enforcement.ts'
import { frontEndKinds, type FrontEndKind } from '../protocols/check/kinds.ts'
import { gateActions, type GateAction } from '../store/activesync.ts'
import { group, leaf, line, wholeNumber, type Context, type World } from './command.ts'
import { configurationKinds, configurationWays, frontEndConfiguration } from '../protocols/api/operations/front-end-configuration.ts'
import { fields, table, when } from './output.ts'

export function frontEndCommands(root: Command, world: World): void {
  const frontEnd = group(root, 'front-end', 'terminators of TLS that ask about certificates')
  leaf(frontEnd, world, 'list', 'front ends', list)
  leaf(frontEnd, world, 'add <name>', 'add one; prints its secret this once', add, command => command
    .requiredOption('--kind <kind>', Object.keys(frontEndKinds).join(', ')).option('--authority <name>', 'the only authority it may ask about').option('--activesync <action>', gateActions.join(', '), 'observe')
    .option('--max-age <seconds>', 'how long the last good data of its agent counts', wholeNumber).option('--when-stale <what>', 'refuse everybody then, or alarm and go on'))
  leaf(frontEnd, world, 'activesync <name> <action>', `what becomes of ActiveSync requests that contradict their certificate: ${gateActions.join(', ')}`, setActiveSync)
  leaf(frontEnd, world, 'status', 'what is in force at each front end, and how it was proven', status)
  leaf(frontEnd, world, 'config <kind>', `print a complete configuration: ${configurationKinds.join(', ')}`, config, command => command
    .option('--front-end <name>', 'its name in Latchkey').option('--listen <address>', 'what it listens on').option('--backend <host:port>', 'what is protected')
    .option('--by <way>', `how it knows who is refused: ${configurationWays.join(', ')}; the first that the kind has`).option('--check <url>', 'where Latchkey is, for one that asks it (the address of the service)')
    .option('--certificate <file>', "the server's own certificate").option('--certificate-key <file>', 'and its key (not HAProxy)')
    .option('--files <folder>', 'where the files of its agent are, or its own').option('--run <folder>', 'where it and its agent meet while they run')
    .option('--stream-limit <seconds>', 'how long one request may run', wholeNumber))
  doctorCommands(frontEnd, world)
  leaf(frontEnd, world, 'end <name>', 'end one: its secret opens nothing any more', end)
}

async function list({ client, print }: Context): Promise<void> {
  print(await client.call(frontEndList, {}), ({ items }) => table(['name', 'kind', 'passes on', 'authority', 'contradictions', 'since'],
    items.map(f => [f.name, f.kind, f.convention, f.authority ?? 'all', f.activeSync, when(f.createdAt)])))
}

async function status({ client, print }: Context): Promise<void> {
  print(await client.call(frontEndEnforcement, {}), ({ change, items, without }) => [
    table(['name', 'standing', 'change', 'took', 'refuses', 'canary', 'heard', 'known by'], items.map(item => [
      item.name, item.standing, `${item.change} of ${change}`, item.enforcementMs === null ? '-' : `${item.enforcementMs} ms`, item.refused,
      item.canary === null ? '-' : item.canary.revokedRefused && item.canary.goodPassed ? `passed ${when(item.canary.at)}` : `failed ${when(item.canary.at)}`, when(item.heardAt),
      item.way === null ? '-' : item.way === 'mutual-tls' ? 'mutual TLS' : 'signature',
    ])),
    ...items.flatMap(({ name, problems }) => problems.map(({ code, detail }) => line(`${name}: ${code}: ${detail}`))),
    ...without.length === 0 ? [] : [line(`without an agent: ${without.join(', ')}`)],
  ].join(''))
}

type AddOptions = { kind: string, authority?: string, activesync: string, maxAge?: number, whenStale?: string }

async function add({ client, print }: Context, { kind, authority, activesync, maxAge, whenStale }: AddOptions, name: string): Promise<void> {
  print(await client.call(frontEndAdd, {
    name, kind: kind as FrontEndKind, authority, activeSync: activesync as GateAction, maxAgeSeconds: maxAge, whenStale: whenStale as 'refuse' | 'alarm' | undefined,
  }), f => fields([
    ['name', f.name], ['kind', f.kind], ['passes on', f.convention], ['asks at', f.checkUrl ?? 'nothing: its agent brings the lists'], ['secret', f.secret],
  ]))
}

async function end({ client, print }: Context, _options: object, name: string): Promise<void> {
  print(await client.call(frontEndEnd, { name }), () => line('ended'))
}

async function setActiveSync({ client, print }: Context, _options: object, name: string, action: string): Promise<void> {
  print(await client.call(frontEndActiveSync, { name, action: action as GateAction }), f => line(`contradictions at ${f.name}: ${f.activeSync}`))
}

type ConfigOptions = { by?: string, check?: string, frontEnd?: string, listen?: string, backend?: string, certificate?: string, certificateKey?: string, files?: string, run?: string, streamLimit?: number }

async function config({ client, print }: Context, { by, check, streamLimit, frontEnd, listen, backend, certificate, certificateKey, files, run }: ConfigOptions, kind: string): Promise<void> {
  const input = {
    kind: kind as 'haproxy', by: by as 'agent' | undefined, latchkey: check, frontEnd, listen, backend, certificate, certificateKey, files, run, streamLimitSeconds: streamLimit,
  }
  print(await client.call(frontEndConfiguration, input), ({ configuration }) => configuration)
}
