/** Changes of policy as they are asked for, and how each is put in force and taken back. */
import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { CaError } from '../../../errors.ts'
import type { Actor } from '../../../http/actor.ts'
import type { RecordChange } from '../../../http/change.ts'
import type { Service } from '../../../http/service.ts'
import type { PolicyEdit } from '../../../policy/preview.ts'
import { ruleInputSchema, type Approval, type Rule } from '../../../policy/rules.ts'
import { ruleSentence } from '../../../policy/sentences.ts'
import type { Queryable } from '../../../store/db.ts'
import { policyStore } from '../../../store/policy.ts'
import type { PolicyChange } from '../../../store/policy-changes.ts'
import { id, instantInput, reasonText, text } from '../fields.ts'
import { modelNamed } from './models.ts'

export const editInput = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('add-rule'), rule: ruleInputSchema }),
  z.strictObject({ kind: z.literal('remove-rule'), rule: id }),
  z.strictObject({
    kind: z.literal('approve'), models: z.array(text(64)).min(1).max(5000),
    leastEvidence: z.enum(['listed', 'signed', 'attested']).default('signed'), until: instantInput.nullable().default(null), reason: reasonText,
  }),
  z.strictObject({ kind: z.literal('withdraw'), approvals: z.array(id).min(1).max(5000) }),
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
      const { models, leastEvidence, until, reason } = input
      if (until !== null && until <= now) throw new CaError('invalid-argument', 'the approval would be over before it begins')
      const patterns = [...new Set(models)].map(model => modelNamed(service.catalogue(), model).identifier)
      return { kind: 'approve', approvals: patterns.map(pattern => ({ id: randomUUID(), pattern, leastEvidence, reason, author: actor.name, notBefore: now, notAfter: until, endedAt: null })) }
    }
    case 'withdraw': {
      const wanted = new Set(input.approvals)
      const approvals = (await policyStore(service.db).approvals(now)).filter(approval => wanted.has(approval.id))
      if (approvals.length !== wanted.size) throw new CaError('approval-not-found', 'not every one of these is an approval in force')
      return { kind: 'withdraw', approvals }
    }
  }
}

function ruleIn(rules: readonly Rule[], ruleId: string): Rule {
  const rule = rules.find(candidate => candidate.id === ruleId)
  if (rule === undefined) throw new CaError('rule-not-found', 'there is no rule in force with this id')
  return rule
}

const models = (approvals: readonly Approval[]): string => approvals.length === 1 ? approvals[0]!.pattern : `${approvals.length} models`

export function sentenceOf(edit: PolicyEdit): string {
  switch (edit.kind) {
    case 'add-rule': return ruleSentence(edit.rule)
    case 'remove-rule': return `Remove the rule “${ruleSentence(edit.rule)}”`
    case 'approve': return `Approve ${models(edit.approvals)}`
    case 'withdraw': return `Withdraw the approval of ${models(edit.approvals)}`
  }
}

type Work = { tx: Queryable, record: RecordChange, actor: Actor, now: Date, change: PolicyChange }

/** Puts it in force. @returns ids of what was added @throws {CaError} conflict when somebody else changed the same meanwhile */
export async function putInForce({ tx, record, actor, now, change: { edit, id: changeId } }: Work): Promise<string[]> {
  const detail = { change: changeId }
  switch (edit.kind) {
    case 'add-rule': return await addRule({ tx, record }, { ...edit.rule, createdAt: now }, detail)
    case 'remove-rule': {
      if (await policyStore(tx).endRule(edit.rule.id, now) === undefined) throw meanwhile('rule')
      await record('rule.remove', `rule:${edit.rule.id}`, { verdict: edit.rule.verdict, conditions: edit.rule.conditions, ...detail })
      return []
    }
    case 'approve': return await addApprovals({ tx, record, now }, edit.approvals, detail)
    case 'withdraw': {
      for (const { id: approvalId } of edit.approvals) {
        if ((await policyStore(tx).endApprovals({ id: approvalId }, now, actor.name)).length === 0) throw meanwhile('approval')
      }
      await record('approval.withdraw', `approval:${edit.approvals.length === 1 ? edit.approvals[0]!.id : 'selection'}`, { patterns: edit.approvals.map(({ pattern }) => pattern), ...detail })
      return []
    }
  }
}

const meanwhile = (what: string): CaError => new CaError('conflict', `the ${what} is not in force any more: somebody was faster. Preview the change again`)

async function addRule({ tx, record }: Pick<Work, 'tx' | 'record'>, rule: Rule, detail: object): Promise<string[]> {
  await policyStore(tx).addRule(rule)
  await record('rule.add', `rule:${rule.id}`, { verdict: rule.verdict, conditions: rule.conditions, reason: rule.reason, ...detail })
  return [rule.id]
}

async function addApprovals({ tx, record, now }: Pick<Work, 'tx' | 'record' | 'now'>, approvals: readonly Approval[], detail: object): Promise<string[]> {
  for (const approval of approvals) await policyStore(tx).addApproval({ ...approval, notBefore: now, endedAt: null })
  await record('approval.add', `approval:${approvals.length === 1 ? approvals[0]!.id : 'selection'}`, { patterns: approvals.map(({ pattern }) => pattern), ...detail })
  return approvals.map(approval => approval.id)
}

/** Takes back what it put in force; what was ended before comes again, under new ids. */
export async function takeOutOfForce({ tx, record, actor, now, change: { edit, id: changeId, added } }: Work): Promise<void> {
  const detail = { change: changeId, takenBack: true }
  switch (edit.kind) {
    case 'add-rule': {
      for (const ruleId of added) await policyStore(tx).endRule(ruleId, now)
      return await record('rule.remove', `rule:${edit.rule.id}`, { verdict: edit.rule.verdict, conditions: edit.rule.conditions, ...detail })
    }
    case 'remove-rule': return void await addRule({ tx, record }, { ...edit.rule, id: randomUUID(), createdAt: now }, detail)
    case 'approve': {
      for (const approvalId of added) await policyStore(tx).endApprovals({ id: approvalId }, now, actor.name)
      return await record('approval.withdraw', 'approval:selection', { patterns: edit.approvals.map(({ pattern }) => pattern), ...detail })
    }
    case 'withdraw': return void await addApprovals({ tx, record, now }, edit.approvals.map(approval => ({ ...approval, id: randomUUID() })), detail)
  }
}
