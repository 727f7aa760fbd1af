import type { Command } from 'commander'
import type { z } from 'zod'
import type { EvidenceGrade } from '../devices/evidence.ts'
import type { Verdict } from '../policy/rules.ts'
import { exempt, exemptionEnd, exemptionList } from '../protocols/api/operations/exemptions.ts'
import { group, leaf, line, more, paged, untilInstant, type Context, type Paged, type World } from './command.ts'
import { table, when } from './output.ts'

export function exemptionCommands(root: Command, world: World): void {
  leaf(root, world, 'exempt <device> <verdict>', 'decide about one device under one invitation, before all rules', exemptDevice, exemptionOptions)
  const exemptions = group(root, 'exemption', 'exemptions in force')
  leaf(exemptions, world, 'list', 'exemptions of all devices or of one, newest first', exemptionsOf, command => paged(command).option('--device <id>', 'one device'))
  leaf(exemptions, world, 'end <id>', 'end an exemption', endExemption)
}

export const exemptionOptions = (command: Command): Command => command
  .requiredOption('--invitation <id>', 'the invitation').option('--evidence <grade>', 'what the model must be known at', 'signed')
  .requiredOption('--until <day>', 'the last day on which it holds', untilInstant).requiredOption('--reason <text>', 'why, for the record')
  .option('--text-for-person <text>', 'shown to the person in place of our words')

export type ExemptOptions = { invitation: string, evidence: EvidenceGrade, until: string, reason: string, textForPerson?: string }

export const exemptionOf = ({ invitation, evidence, until, reason, textForPerson }: ExemptOptions, device: string, verdict: string): z.input<typeof exempt.input> =>
  ({ device, invitation, verdict: verdict as Verdict, evidence, until, reason, textForPerson })

async function exemptDevice({ client, print }: Context, options: ExemptOptions, device: string, verdict: string): Promise<void> {
  print(await client.call(exempt, exemptionOf(options, device, verdict)), exemption => line(`${exemption.verdict} until ${when(exemption.notAfter)} (${exemption.id})`))
}

async function exemptionsOf({ client, print }: Context, { device, limit, cursor }: Paged & { device?: string }): Promise<void> {
  print(await client.call(exemptionList, { device, limit, cursor }), ({ items, next }) => table(['device', 'verdict', 'least evidence', 'until', 'by', 'reason', 'id'],
    items.map(e => [e.deviceId, e.verdict, e.evidence, when(e.notAfter), e.author, e.reason, e.id])) + more(next))
}

async function endExemption({ client, print }: Context, _options: object, id: string): Promise<void> {
  print(await client.call(exemptionEnd, { id }), exemption => line(`ended: ${exemption.verdict} of device ${exemption.deviceId}`))
}
