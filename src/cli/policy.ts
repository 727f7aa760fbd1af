import type { Command } from 'commander'
import type { EvidenceGrade } from '../devices/evidence.ts'
import { policyAdd, policyExplain, policyList, policyRemove } from '../protocols/api/operations/policy.ts'
import { describeConditions } from '../policy/words.ts'
import { group, leaf, line, type Context, type World } from './command.ts'
import { exemptionCommands } from './exemption.ts'
import { exitCodes, fields, table, when } from './output.ts'
import { previewCommands } from './policy-changes.ts'
import { conditions, ruleOf, type ConditionOptions } from './rule-options.ts'

export function policyCommands(root: Command, world: World): void {
  const policy = group(root, 'policy', 'rules: allow, quarantine, block')
  leaf(policy, world, 'list', 'rules in force', list)
  leaf(policy, world, 'add <verdict>', 'add a rule: allow, quarantine or block what meets all conditions', add, conditions)
  leaf(policy, world, 'remove <id>', 'end a rule', remove)
  leaf(policy, world, 'explain', 'what would be decided about a device, and why (exit 0, 3 refused, 4 quarantined)', explain, command => command
    .option('--product <type>', 'for example iPhone14,5; may be left out where the inventory has the number')
    .option('--serial <number>', 'its serial number, for the inventory').option('--udid <udid>', 'its UDID, likewise').option('--build <number>', 'for example 20A362').option('--os-version <version>', 'for example 17.4')
    .option('--evidence <grade>', 'how it is known: claimed, listed, signed, attested', 'signed').option('--person <email>', 'in whose hands'))
  previewCommands(policy, world)
  exemptionCommands(root, world)
}

async function list({ client, print }: Context): Promise<void> {
  print(await client.call(policyList, {}), ({ items }) => table(['verdict', 'conditions', 'by', 'since', 'reason', 'id'],
    items.map(rule => [rule.verdict, describeConditions(rule.conditions), rule.author, when(rule.createdAt), rule.reason, rule.id])))
}

async function add({ client, print }: Context, options: ConditionOptions, verdict: string): Promise<void> {
  const rule = await client.call(policyAdd, ruleOf(options, verdict))
  print(rule, added => line(`${added.verdict}: ${describeConditions(added.conditions)} (${added.id})`))
}

async function remove({ client, print }: Context, _options: object, id: string): Promise<void> {
  print(await client.call(policyRemove, { id }), rule => line(`ended: ${rule.verdict}: ${describeConditions(rule.conditions)}`))
}

type ExplainOptions = { product?: string, serial?: string, udid?: string, build?: string, osVersion?: string, evidence: EvidenceGrade, person?: string }

async function explain({ client, print, world }: Context, { product, serial, udid, build, osVersion, evidence, person }: ExplainOptions): Promise<void> {
  const decision = await client.call(policyExplain, { product, serialNumber: serial, udid, build, osVersion, evidence, person })
  print(decision, ({ verdict, code, because, known, textForAdmin, textForPerson, approvalEndsAt }) => fields([
    ['verdict', verdict], ['code', code], ['because of', because.id === undefined ? because.kind : `${because.kind} ${because.id}`],
    ['model', known.modelName], ['version', known.osVersion?.value], ['evidence', known.modelEvidence], ...known.inventoryAgrees === null ? [] : [['inventory', known.inventoryAgrees ? 'agrees' : 'disagrees'] as const], ['ends', when(approvalEndsAt)],
    ['for the admin', textForAdmin], ['for the person', textForPerson],
  ]))
  world.exitCode = exitCodeFor[decision.verdict]
}

const exitCodeFor = { allow: exitCodes.done, block: exitCodes.refused, quarantine: exitCodes.quarantined } as const
