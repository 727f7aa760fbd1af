/** Changes of policy: previewed, applied, taken back. */
import { setTimeout } from 'node:timers/promises'
import type { Command } from 'commander'
import type { z } from 'zod'
import type { PresetName } from '../devices/presets.ts'
import { policyApply, policyChangeEffects, policyChangeList, policyChangeShow, policyPreview, policyUndo, type PolicyChangeView } from '../protocols/api/operations/policy-changes.ts'
import { leaf, line, more, paged, untilInstant, type Context, type Paged, type World } from './command.ts'
import { writeCsv } from './csv.ts'
import { exemptionOf, exemptionOptions, type ExemptOptions } from './exemption.ts'
import { fields, table, when } from './output.ts'
import { conditions, ruleOf, type ConditionOptions } from './rule-options.ts'

type Edit = z.input<typeof policyPreview.input>['edit']

export function previewCommands(policy: Command, world: World): void {
  const preview = <Options extends object>(usage: string, description: string, editOf: (options: Options, ...args: string[]) => Edit, configure = (command: Command): Command => command): void => {
    leaf<Options & Csv>(policy, world, usage, description, async (context, options, ...args) => await previewEdit(context, editOf(options, ...args), options), command => configure(withCsv(command)))
  }
  preview('preview <verdict>', 'what a rule would reach, before it is made', (options: ConditionOptions, verdict) => ({ kind: 'add-rule', rule: ruleOf(options, verdict!) }), conditions)
  preview('preview-removal <rule>', 'what removing a rule would reach', (_options, rule) => ({ kind: 'remove-rule', rule: rule! }))
  preview('preview-approval [pattern]', 'what approving models would reach', ({ preset, leastEvidence, until, reason }: ApprovalOptions, pattern) => ({ kind: 'approve', pattern, preset, leastEvidence, until, reason }), command => command
    .option('--preset <name>', 'the models of a preset').option('--least-evidence <grade>', 'listed, signed or attested', 'signed')
    .option('--until <day>', 'the last day on which it holds', untilInstant).requiredOption('--reason <text>', 'why, for the record'))
  preview('preview-withdrawal [approvals...]', 'what withdrawing approvals would reach', ({ pattern, preset }: { pattern?: string, preset?: PresetName }, ...approvals) => {
    const ids = approvals.flat()
    return { kind: 'withdraw', pattern, preset, ...ids.length > 0 && { approvals: ids } }
  }, command => command.option('--pattern <pattern>', 'those of this very product type or wildcard').option('--preset <name>', 'those of the models of a preset'))
  preview('preview-exemption <device> <verdict>', 'what an exemption would reach', (options: ExemptOptions, device, verdict) => ({ kind: 'exempt', ...exemptionOf(options, device!, verdict!) }), exemptionOptions)
  preview('preview-exemption-end <exemption>', 'what ending an exemption would reach', (_options, exemption) => ({ kind: 'end-exemption', exemption: exemption! }))
  leaf(policy, world, 'change <id>', 'a previewed change: how far it is and whom it reaches', showChange, withCsv)
  leaf(policy, world, 'changes', 'changes that were previewed, applied or taken back', changes, paged)
  leaf(policy, world, 'apply <id>', 'put a previewed change in force', applyChange, command => command
    .requiredOption('--certificates <action>', 'leave, hold or revoke those that it reaches').option('--from <instant>', 'when they are held or revoked: 2027-06-30T00:00:00Z')
    .option('--notify', 'write to the people concerned'))
  leaf(policy, world, 'undo <id>', 'take a change back: what it held is released', undoChange)
}

type Csv = { csv?: boolean }
type ApprovalOptions = { preset?: PresetName, leastEvidence: 'listed' | 'signed' | 'attested', until?: string, reason: string }
const withCsv = (command: Command): Command => command.option('--csv', 'everybody it reaches, as comma-separated values')

async function previewEdit(context: Context, edit: Edit, { csv }: Csv): Promise<void> {
  const change = await context.client.call(policyPreview, { edit })
  if (csv === true) {
    context.world.stderr.write(line(`change ${change.id}: ${change.sentence}`))
    await writeEffects(context, change.id)
  } else context.print(change, changeText)
}

const betweenLooksMs = 500

/** When it is counted to the end: an export of a part would look like the whole. */
async function writeEffects(context: Context, id: string): Promise<void> {
  while ((await context.client.call(policyChangeShow, { id })).state === 'counting') await setTimeout(betweenLooksMs)
  await writeCsv(context, policyChangeEffects, { id, effect: 'stops' })
  await writeCsv(context, policyChangeEffects, { id, effect: 'starts' }, false)
}

const changeText = (change: PolicyChangeView): string => fields([
  ['id', change.id], ['change', change.sentence], ['state', change.state], ['phones looked at', `${change.checked} of ${change.total}`],
  ['reaches', `${change.reach.certificates} certificates of ${change.reach.people} people`], ['can be updated', `${change.reach.updatable} of ${change.reach.phones} phones`],
  ['may come in', `${change.reach.starts} phones`], ['certificates', change.action], ['from', when(change.dueAt)],
  ['so far', `${change.outcome.held} held, ${change.outcome.revoked} revoked, ${change.outcome.released} released, ${change.outcome.passedOver} passed over`],
])

async function showChange(context: Context, { csv }: Csv, id: string): Promise<void> {
  if (csv === true) return await writeEffects(context, id)
  const { client, print } = context
  const change = await client.call(policyChangeShow, { id })
  const { items } = await client.call(policyChangeEffects, { id, limit: 100 })
  print({ ...change, effects: items }, () => changeText(change) + table(['person', 'product type', 'version', 'evidence', 'can be updated', 'certificate', 'outcome'],
    items.map(e => [e.personEmail, e.productType, e.osVersion, e.grade, e.canUpdate, e.certificate, e.outcome])))
}

async function changes({ client, print }: Context, { limit, cursor }: Paged): Promise<void> {
  print(await client.call(policyChangeList, { limit, cursor }), ({ items, next }) => table(['change', 'state', 'certificates', 'by', 'when', 'id'],
    items.map(c => [c.sentence, c.state, c.reach.certificates, c.appliedBy ?? c.createdBy, when(c.appliedAt ?? c.createdAt), c.id])) + more(next))
}

async function applyChange({ client, print }: Context, { certificates, from, notify }: { certificates: string, from?: string, notify?: boolean }, id: string): Promise<void> {
  print(await client.call(policyApply, { id, action: certificates as 'hold', from, notify: notify === true }), changeText)
}

async function undoChange({ client, print }: Context, _options: object, id: string): Promise<void> {
  print(await client.call(policyUndo, { id }), changeText)
}
