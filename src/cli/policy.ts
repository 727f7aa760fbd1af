import type { Command } from 'commander'
import type { z } from 'zod'
import type { EvidenceGrade } from '../devices/evidence.ts'
import { exempt, exemptionEnd, exemptionList } from '../protocols/api/operations/exemptions.ts'
import { policyAdd, policyExplain, policyList, policyRemove } from '../protocols/api/operations/policy.ts'
import { policyApply, policyChangeEffects, policyChangeList, policyChangeShow, policyPreview, policyUndo, type PolicyChangeView } from '../protocols/api/operations/policy-changes.ts'
import type { Verdict } from '../policy/rules.ts'
import { describeConditions } from '../policy/words.ts'
import { group, leaf, line, more, paged, untilInstant, yesOrNo, type Context, type Paged, type World } from './command.ts'
import { exitCodes, fields, table, when } from './output.ts'

export function policyCommands(root: Command, world: World): void {
  const policy = group(root, 'policy', 'rules: allow, quarantine, block')
  leaf(policy, world, 'list', 'rules in force', list)
  leaf(policy, world, 'add <verdict>', 'add a rule: allow, quarantine or block what meets all conditions', add, conditions)
  leaf(policy, world, 'remove <id>', 'end a rule', remove)
  leaf(policy, world, 'preview <verdict>', 'what a rule would reach, before it is made', previewRule, conditions)
  leaf(policy, world, 'preview-removal <rule>', 'what removing a rule would reach', previewRemoval)
  leaf(policy, world, 'preview-withdrawal <approvals...>', 'what withdrawing approvals would reach', previewWithdrawal)
  leaf(policy, world, 'change <id>', 'a previewed change: how far it is and whom it reaches', showChange)
  leaf(policy, world, 'changes', 'changes that were previewed, applied or taken back', changes, paged)
  leaf(policy, world, 'apply <id>', 'put a previewed change in force', applyChange, command => command
    .requiredOption('--certificates <action>', 'leave, hold or revoke those that it reaches').option('--from <instant>', 'when they are held or revoked: 2027-06-30T00:00:00Z')
    .option('--notify', 'write to the people concerned'))
  leaf(policy, world, 'undo <id>', 'take a change back: what it held is released', undoChange)
  leaf(policy, world, 'explain', 'what would be decided about a device, and why (exit 0, 3 refused, 4 quarantined)', explain, command => command
    .requiredOption('--product <type>', 'for example iPhone14,5').option('--build <number>', 'for example 20A362').option('--os-version <version>', 'for example 17.4')
    .option('--evidence <grade>', 'how it is known: claimed, listed, signed, attested', 'signed').option('--person <email>', 'in whose hands'))
  leaf(root, world, 'exempt <device> <verdict>', 'decide about one device under one invitation, before all rules', exemptDevice, command => command
    .requiredOption('--invitation <id>', 'the invitation').option('--evidence <grade>', 'what the model must be known at', 'signed')
    .requiredOption('--until <day>', 'the last day on which it holds', untilInstant).requiredOption('--reason <text>', 'why, for the record'))
  const exemptions = group(root, 'exemption', 'exemptions in force')
  leaf(exemptions, world, 'list', 'exemptions of all devices, or of one', exemptionsOf, command => command.option('--device <id>', 'one device'))
  leaf(exemptions, world, 'end <id>', 'end an exemption', endExemption)
}

const conditions = (command: Command): Command => command
  .option('--product <pattern>', 'product type or wildcard').option('--family <name>', 'iPhone, iPad, iPod touch')
  .option('--storage-encryption <yes|no>', 'the hardware encrypts storage', yesOrNo).option('--data-protection <yes|no>', 'the hardware has Data Protection', yesOrNo)
  .option('--secure-enclave <yes|no>', 'the hardware has a Secure Enclave', yesOrNo).option('--can-attest <yes|no>', 'the hardware can attest', yesOrNo)
  .option('--os-from <version>', 'this version or newer').option('--os-below <version>', 'older than this version').option('--build <pattern>', 'build number or wildcard')
  .option('--evidence <grade>', 'known at this grade or better').option('--person <email>', 'one person').option('--group <name>', 'a group of people')
  .requiredOption('--reason <text>', 'why, for the record').option('--text-for-person <text>', 'shown to the person in place of our words')

type ConditionOptions = {
  product?: string, family?: string, storageEncryption?: boolean, dataProtection?: boolean, secureEnclave?: boolean, canAttest?: boolean
  osFrom?: string, osBelow?: string, build?: string, evidence?: EvidenceGrade, person?: string, group?: string, reason: string, textForPerson?: string
}

async function list({ client, print }: Context): Promise<void> {
  print(await client.call(policyList, {}), ({ items }) => table(['verdict', 'conditions', 'by', 'since', 'reason', 'id'],
    items.map(rule => [rule.verdict, describeConditions(rule.conditions), rule.author, when(rule.createdAt), rule.reason, rule.id])))
}

async function add({ client, print }: Context, options: ConditionOptions, verdict: string): Promise<void> {
  const rule = await client.call(policyAdd, ruleOf(options, verdict))
  print(rule, added => line(`${added.verdict}: ${describeConditions(added.conditions)} (${added.id})`))
}

function ruleOf(options: ConditionOptions, verdict: string): z.input<typeof policyAdd.input> {
  const { product, osFrom, osBelow, reason, textForPerson, family, storageEncryption, dataProtection, secureEnclave, canAttest, build, evidence, person, group: name } = options
  const osVersion = osFrom === undefined && osBelow === undefined ? undefined : { from: osFrom, below: osBelow }
  return {
    verdict: verdict as Verdict, reason, textForPerson,
    conditions: { productType: product, family, storageEncryption, dataProtection, secureEnclave, canAttest, osVersion, build, evidence, person, group: name },
  }
}

const preview = async ({ client, print }: Context, edit: z.input<typeof policyPreview.input>['edit']): Promise<void> => print(await client.call(policyPreview, { edit }), changeText)
const previewRule = async (context: Context, options: ConditionOptions, verdict: string): Promise<void> => await preview(context, { kind: 'add-rule', rule: ruleOf(options, verdict) })
const previewRemoval = async (context: Context, _options: object, rule: string): Promise<void> => await preview(context, { kind: 'remove-rule', rule })
const previewWithdrawal = async (context: Context, _options: object, ...approvals: unknown[]): Promise<void> => await preview(context, { kind: 'withdraw', approvals: approvals.flat() as string[] })

const changeText = (change: PolicyChangeView): string => fields([
  ['id', change.id], ['change', change.sentence], ['state', change.state], ['phones looked at', `${change.checked} of ${change.total}`],
  ['reaches', `${change.reach.certificates} certificates of ${change.reach.people} people`], ['can be updated', `${change.reach.updatable} of ${change.reach.phones} phones`],
  ['may come in', `${change.reach.starts} phones`], ['certificates', change.action], ['from', when(change.dueAt)],
  ['so far', `${change.outcome.held} held, ${change.outcome.revoked} revoked, ${change.outcome.released} released, ${change.outcome.passedOver} passed over`],
])

async function showChange({ client, print }: Context, _options: object, id: string): Promise<void> {
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

async function remove({ client, print }: Context, _options: object, id: string): Promise<void> {
  print(await client.call(policyRemove, { id }), rule => line(`ended: ${rule.verdict}: ${describeConditions(rule.conditions)}`))
}

type ExplainOptions = { product: string, build?: string, osVersion?: string, evidence: EvidenceGrade, person?: string }

async function explain({ client, print, world }: Context, { product, build, osVersion, evidence, person }: ExplainOptions): Promise<void> {
  const decision = await client.call(policyExplain, { product, build, osVersion, evidence, person })
  print(decision, ({ verdict, code, because, known, textForAdmin, textForPerson, approvalEndsAt }) => fields([
    ['verdict', verdict], ['code', code], ['because of', because.id === undefined ? because.kind : `${because.kind} ${because.id}`],
    ['model', known.modelName], ['version', known.osVersion?.value], ['evidence', known.modelEvidence], ['ends', when(approvalEndsAt)],
    ['for the admin', textForAdmin], ['for the person', textForPerson],
  ]))
  world.exitCode = exitCodeFor[decision.verdict]
}

const exitCodeFor = { allow: exitCodes.done, block: exitCodes.refused, quarantine: exitCodes.quarantined } as const

type ExemptOptions = { invitation: string, evidence: EvidenceGrade, until: string, reason: string }

async function exemptDevice({ client, print }: Context, { invitation, evidence, until, reason }: ExemptOptions, device: string, verdict: string): Promise<void> {
  print(await client.call(exempt, { device, invitation, verdict: verdict as Verdict, evidence, until, reason }), exemption =>
    line(`${exemption.verdict} until ${when(exemption.notAfter)} (${exemption.id})`))
}

async function exemptionsOf({ client, print }: Context, { device }: { device?: string }): Promise<void> {
  print(await client.call(exemptionList, { device }), ({ items }) => table(['device', 'verdict', 'least evidence', 'until', 'by', 'reason', 'id'],
    items.map(e => [e.deviceId, e.verdict, e.evidence, when(e.notAfter), e.author, e.reason, e.id])))
}

async function endExemption({ client, print }: Context, _options: object, id: string): Promise<void> {
  print(await client.call(exemptionEnd, { id }), exemption => line(`ended: ${exemption.verdict} of device ${exemption.deviceId}`))
}
