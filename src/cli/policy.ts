import type { Command } from 'commander'
import type { EvidenceGrade } from '../devices/evidence.ts'
import { exempt, exemptionEnd, exemptionList } from '../protocols/api/operations/exemptions.ts'
import { policyAdd, policyExplain, policyList, policyRemove } from '../protocols/api/operations/policy.ts'
import type { Verdict } from '../policy/rules.ts'
import { describeConditions } from '../policy/words.ts'
import { group, leaf, line, untilInstant, yesOrNo, type Context, type World } from './command.ts'
import { exitCodes, fields, table, when } from './output.ts'

export function policyCommands(root: Command, world: World): void {
  const policy = group(root, 'policy', 'rules: allow, quarantine, block')
  leaf(policy, world, 'list', 'rules in force', list)
  leaf(policy, world, 'add <verdict>', 'add a rule: allow, quarantine or block what meets all conditions', add, conditions)
  leaf(policy, world, 'remove <id>', 'end a rule', remove)
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
  const { product, osFrom, osBelow, reason, textForPerson, family, storageEncryption, dataProtection, secureEnclave, canAttest, build, evidence, person, group: name } = options
  const osVersion = osFrom === undefined && osBelow === undefined ? undefined : { from: osFrom, below: osBelow }
  const rule = await client.call(policyAdd, {
    verdict: verdict as Verdict, reason, textForPerson,
    conditions: { productType: product, family, storageEncryption, dataProtection, secureEnclave, canAttest, osVersion, build, evidence, person, group: name },
  })
  print(rule, added => line(`${added.verdict}: ${describeConditions(added.conditions)} (${added.id})`))
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
