/** Changes of policy as they are asked for, and as they read. */
import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { CaError } from '../../../errors.ts'
import type { Actor } from '../../../http/actor.ts'
import type { Service } from '../../../http/service.ts'
import type { PolicyEdit } from '../../../policy/preview.ts'
import { ruleInputSchema, type Approval, type Exemption, type Rule } from '../../../policy/rules.ts'
import { ruleSentence } from '../../../policy/sentences.ts'
import { personStore } from '../../../store/people.ts'
import { policyStore } from '../../../store/policy.ts'
import { id } from '../fields.ts'
import { approvalInput, namedModels, namesModels, newApprovals, patternsNamed } from './approvals.ts'
import { exemptable, exemptionInput, newExemption } from './exemptions.ts'

export const editInput = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('add-rule'), rule: ruleInputSchema }),
  z.strictObject({ kind: z.literal('remove-rule'), rule: id }),
  z.strictObject({ kind: z.literal('approve'), ...approvalInput }).refine(...namesModels),
  z.strictObject({
    kind: z.literal('withdraw'), ...namedModels,
    /** ids; or, by the names of their models, those that name exactly these. */
    approvals: z.array(id).min(1).max(5000).optional(),
  }).refine(({ approvals, models, pattern, preset }) => (approvals === undefined) !== (models === undefined && pattern === undefined && preset === undefined), { path: ['approvals'], error: 'needs these, or names of models, and not both' }),
  z.strictObject({ kind: z.literal('exempt'), ...exemptionInput }),
  z.strictObject({ kind: z.literal('end-exemption'), exemption: id }),
])
type EditInput = z.output<typeof editInput>

/** @throws {CaError} rule-not-found, approval-not-found, device-model-unknown, invalid-argument */
export async function editOf(service: Service, actor: Actor, input: EditInput, now: Date): Promise<PolicyEdit> {
  switch (input.kind) {
    case 'add-rule': {
      const { conditions } = input.rule
      const { person } = conditions
      return { kind: 'add-rule', rule: { id: randomUUID(), ...input.rule, author: actor.name, createdAt: now, conditions: person === undefined ? conditions : { ...conditions, person: person.toLowerCase() } } }
    }
    case 'remove-rule': return { kind: 'remove-rule', rule: ruleIn(await policyStore(service.db).rules(), input.rule) }
    case 'approve': {
      const { approvals } = newApprovals(service, actor, input, await policyStore(service.db).approvals(now), now)
      if (approvals.length === 0) throw new CaError('conflict', 'these are approved already, in the very same words')
      return { kind: 'approve', approvals }
    }
    case 'withdraw': return { kind: 'withdraw', approvals: withdrawn(service, input, await policyStore(service.db).approvals(now)) }
    case 'exempt': {
      const exemption = newExemption(actor, input, now)
      return { kind: 'exempt', exemption, phone: await phoneNamed(service, exemption) }
    }
    case 'end-exemption': {
      const exemption = await policyStore(service.db).exemption(input.exemption, now)
      if (exemption === undefined) throw new CaError('exemption-not-found', 'there is no exemption in force with this id')
      return { kind: 'end-exemption', exemption, phone: await phoneNamed(service, exemption) }
    }
  }
}

function ruleIn(rules: readonly Rule[], ruleId: string): Rule {
  const rule = rules.find(candidate => candidate.id === ruleId)
  if (rule === undefined) throw new CaError('rule-not-found', 'there is no rule in force with this id')
  return rule
}

/** @throws {CaError} approval-not-found when an id is of none in force, or no name is of any */
function withdrawn(service: Service, { approvals: ids, ...names }: Extract<EditInput, { kind: 'withdraw' }>, present: readonly Approval[]): Approval[] {
  const wanted = new Set(ids ?? patternsNamed(service.catalogue(), names))
  const found = present.filter(approval => wanted.has(ids === undefined ? approval.pattern : approval.id))
  if (found.length === 0 || ids !== undefined && found.length !== wanted.size) throw new CaError('approval-not-found', ids === undefined ? 'no approval in force names these' : 'not every one of these is an approval in force')
  return found
}

/** `iPhone14,5 of Ines Roth` */
async function phoneNamed(service: Service, { deviceId, invitationId }: Exemption): Promise<string> {
  const { productType, personId } = await exemptable(service.db, deviceId, invitationId)
  const person = await personStore(service.db).find(personId)
  return `${service.catalogue().models.get(productType)?.name ?? productType} of ${person?.name ?? 'somebody'}`
}

const models = (approvals: readonly Approval[]): string => approvals.length === 1 ? approvals[0]!.pattern : `${approvals.length} models`

export function sentenceOf(edit: PolicyEdit): string {
  switch (edit.kind) {
    case 'add-rule': return ruleSentence(edit.rule)
    case 'remove-rule': return `Remove the rule “${ruleSentence(edit.rule)}”`
    case 'approve': return `Approve ${models(edit.approvals)}`
    case 'withdraw': return `Withdraw the approval of ${models(edit.approvals)}`
    case 'exempt': return `${exemptionVerbs[edit.exemption.verdict]} the ${edit.phone}, whatever the rules say`
    case 'end-exemption': return `End the exemption of the ${edit.phone}`
  }
}

const exemptionVerbs = { allow: 'Let in', quarantine: 'Set aside', block: 'Refuse' } as const
