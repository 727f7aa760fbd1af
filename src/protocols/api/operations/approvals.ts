import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { modelsMatching, type Catalogue, type DeviceModel } from '../../../devices/catalogue.ts'
import { modelsOfPreset, presetNames, type PresetName } from '../../../devices/presets.ts'
import { CaError } from '../../../errors.ts'
import { isWildcard, matchesWildcard } from '../../../formats/wildcard.ts'
import type { Actor } from '../../../http/actor.ts'
import { change } from '../../../http/change.ts'
import type { Service } from '../../../http/service.ts'
import { patternSchema, type Approval } from '../../../policy/rules.ts'
import { policyStore } from '../../../store/policy.ts'
import { id, instantInput, nothing, reasonText, text } from '../fields.ts'
import { operation } from '../operation.ts'
import { approvalView, viewOfApproval } from './approval-view.ts'
import { modelNamed } from './models.ts'

const preset = z.enum(presetNames as [PresetName])

/** Which models; `namesModels` checks that one of them is given. */
export const namedModels = {
  /** A product type or a wildcard over product types. */
  pattern: text(64).optional(),
  preset: preset.optional(),
  /** Product types, each for itself. */
  models: z.array(text(64)).min(1).max(5000).optional(),
}
type ModelNames = { pattern?: string | undefined, preset?: PresetName | undefined, models?: string[] | undefined }

export const namesModels: [check: (input: ModelNames) => boolean, params: { path: string[], error: string }] = [
  ({ pattern, preset: name, models }) => models === undefined ? pattern !== undefined || name !== undefined : pattern === undefined && name === undefined,
  { path: ['pattern', 'preset', 'models'], error: 'needs one of them' },
]

export const approvalInput = {
  ...namedModels,
  leastEvidence: z.enum(['listed', 'signed', 'attested']).default('signed'),
  /** The last instant at which it holds. */
  until: instantInput.nullable().default(null),
  reason: reasonText,
}
type ApprovalInput = ModelNames & { leastEvidence: Approval['leastEvidence'], until: Date | null, reason: string }

/** @throws {CaError} device-model-unknown, invalid-argument */
export function patternsNamed(catalogue: Catalogue, { pattern, preset: name, models }: ModelNames): string[] {
  if (models !== undefined) return [...new Set(models)].map(model => modelNamed(catalogue, model).identifier)
  return name !== undefined ? namesIn(catalogue, name, pattern) : [checkedPattern(catalogue, pattern!)]
}

/** One approval for each, but for those that stand in the same words already. */
export function newApprovals(service: Service, actor: Actor, input: ApprovalInput, present: readonly Approval[], now: Date): { approvals: Approval[], patterns: string[] } {
  const { leastEvidence, until, reason } = input
  if (until !== null && until <= now) throw new CaError('invalid-argument', 'the approval would be over before it begins')
  const patterns = patternsNamed(service.catalogue(), input)
  const stands = (wanted: string): boolean => present.some(approval => approval.pattern === wanted && approval.leastEvidence === leastEvidence
    && approval.notAfter?.getTime() === until?.getTime() && approval.notBefore <= now)
  const approvals = patterns.filter(wanted => !stands(wanted)).map((pattern): Approval => ({
    id: randomUUID(), pattern, leastEvidence, reason, author: actor.name, notBefore: now, notAfter: until, endedAt: null,
  }))
  return { approvals, patterns }
}

export const approvalList = operation({
  id: 'approvalList', method: 'get', path: '/approvals', role: 'auditor',
  summary: 'Approvals that hold now or will.',
  input: nothing,
  output: z.strictObject({ items: z.array(approvalView) }),
  run: async service => ({ items: (await policyStore(service.db).approvals(service.now())).map(viewOfApproval) }),
})

export const modelApprove = operation({
  id: 'modelApprove', method: 'post', path: '/approvals', role: 'admin', status: 201,
  summary: 'Approve models: one, all that a wildcard names, those of a list, or one by one those of a preset (with a wildcard: those that it names).',
  input: z.strictObject(approvalInput).refine(...namesModels),
  output: z.strictObject({
    /** What was added; an approval that stood in the same words already is not added again. */
    approvals: z.array(approvalView),
    unchanged: z.int(),
    /** What is worth knowing about the models concerned. */
    notes: z.array(z.string()),
  }),
  async run(service, actor, input) {
    return await change(service, actor, async (tx, record, now) => {
      const { approvals, patterns } = newApprovals(service, actor, input, await policyStore(tx).approvals(now), now)
      for (const approval of approvals) await policyStore(tx).addApproval(approval)
      const { pattern, preset: name, leastEvidence, until, reason } = input
      if (approvals.length > 0) await record('approval.add', `approval:${pattern ?? name ?? (patterns.length === 1 ? patterns[0] : 'selection')}`, { patterns: approvals.map(approval => approval.pattern), leastEvidence, until, reason })
      return { approvals: approvals.map(viewOfApproval), unchanged: patterns.length - approvals.length, notes: notesOn(service.catalogue(), patterns) }
    })
  },
})

/** Identifiers of a preset's models; with a pattern, of those that it names. */
const namesIn = (catalogue: Catalogue, name: PresetName, pattern = '*'): string[] =>
  modelsOfPreset(catalogue, name).map(model => model.identifier).filter(identifier => matchesWildcard(pattern, identifier))

/** @throws {CaError} device-model-unknown for one model that is not in the catalogue, invalid-argument for what is no pattern */
function checkedPattern(catalogue: Catalogue, pattern: string): string {
  if (!isWildcard(pattern)) return modelNamed(catalogue, pattern).identifier
  const { success, error } = patternSchema.safeParse(pattern)
  if (!success) throw new CaError('invalid-argument', `pattern: ${error.issues[0]!.message}`)
  return pattern
}

/** The 8 GB player that was sold as "3rd generation" is the second, which encrypts nothing. */
const soldUnderAnotherName: Readonly<Record<string, string>> = { 'iPod3,1': 'iPod2,1' }

export function notesOn(catalogue: Catalogue, patterns: readonly string[]): string[] {
  const models = new Set(patterns.flatMap(pattern => modelsMatching(catalogue, pattern)))
  const unencrypted = [...models].filter(model => model.hardwareEncryption === false)
  const alike = [...models].map(model => catalogue.models.get(soldUnderAnotherName[model.identifier] ?? '')).filter(model => model !== undefined)
  const worthTelling = new Set<DeviceModel>([...models.size <= 20 ? models : unencrypted, ...alike])
  return [
    ...models.size === 0 ? ['no model of the catalogue fits this pattern now'] : [],
    ...unencrypted.length === 0 ? [] : [`these do not encrypt what they store: ${unencrypted.map(model => model.identifier).join(', ')}`],
    ...[...worthTelling].flatMap(model => model.notes.map(note => `${model.identifier}: ${note}`)),
  ]
}

export const modelWithdraw = operation({
  id: 'modelWithdraw', method: 'post', path: '/approvals/withdraw', role: 'admin',
  summary: 'Withdraw approvals: by id, by the very pattern, or of a preset’s models (with a wildcard: of those that it names). Certificates stay.',
  input: z.strictObject({ id: id.optional(), pattern: text(64).optional(), preset: preset.optional(), reason: reasonText.optional() })
    .refine(input => (input.id !== undefined) !== (input.pattern !== undefined || input.preset !== undefined), { path: ['id', 'pattern', 'preset'], error: 'needs an id, or a pattern or preset' }),
  output: z.strictObject({ withdrawn: z.array(approvalView) }),
  async run(service, actor, { id: approvalId, pattern, preset: name, reason }) {
    const patterns = name !== undefined ? namesIn(service.catalogue(), name, pattern) : pattern === undefined ? [] : [pattern]
    return await change(service, actor, async (tx, record, now) => {
      const withdrawn: Approval[] = approvalId === undefined ? [] : await policyStore(tx).endApprovals({ id: approvalId }, now, actor.name)
      for (const wanted of patterns) withdrawn.push(...await policyStore(tx).endApprovals({ pattern: wanted }, now, actor.name))
      if (withdrawn.length === 0) throw new CaError('approval-not-found', 'no approval in force is named by this')
      await record('approval.withdraw', `approval:${approvalId ?? pattern ?? name}`, { patterns: withdrawn.map(approval => approval.pattern), reason: reason ?? null })
      return { withdrawn: withdrawn.map(viewOfApproval) }
    })
  },
})
