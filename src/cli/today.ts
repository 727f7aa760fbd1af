import type { Command } from 'commander'
import { overviewShow } from '../protocols/api/operations/overview.ts'
import { leaf, line, type Context, type World } from './command.ts'
import { table, when } from './output.ts'

export function todayCommand(root: Command, world: World): void {
  leaf(root, world, 'today', 'what needs a person now, and what signs until when', today)
}

const many = (count: number): string => count > 100 ? 'more than 100' : String(count)

async function today({ client, print }: Context): Promise<void> {
  print(await client.call(overviewShow, {}), o => [
    line(`phones that hold a key: ${o.phones}${o.countedAt === null ? '' : `, counted ${when(o.countedAt)}`}`),
    line(`phones that wait for a decision: ${many(o.quarantined.count)}`),
    line(`phones whose requests contradict their certificate: ${many(o.contradictions.count)}`),
    line(`certificates that end within 14 days: ${many(o.ending.count)}`),
    ...o.warnings.map(({ text, danger }) => line(`${danger ? 'DANGER' : 'look at'}: ${text}`)),
    table(['authority', 'signs', 'ends', 'late'], o.signers.map(s => [s.authority, s.purpose, when(s.notAfter), s.late])),
    table(['list of', 'number', 'runs out', 'late'], o.lists.map(l => [l.authority, l.crlNumber, when(l.nextUpdate), l.late])),
  ].join(''))
}
