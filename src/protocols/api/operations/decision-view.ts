import { z } from 'zod'
import { evidenceGrades } from '../../../devices/evidence.ts'
import type { Decision } from '../../../policy/decide.ts'
import { verdicts } from '../../../policy/rules.ts'
import { instant } from '../fields.ts'

export const grade = z.enum(evidenceGrades)
export const verdict = z.enum(verdicts)
const fact = z.strictObject({ value: z.string(), grade, test: z.boolean().optional() }).nullable()

export const decisionView = z.strictObject({
  verdict,
  /** Stable: branch on this. */
  code: z.string(),
  because: z.strictObject({ kind: z.enum(['exemption', 'rule', 'approval', 'default']), id: z.string().optional(), reason: z.string() }),
  known: z.strictObject({
    productType: fact, modelName: z.string().nullable(), inCatalogue: z.boolean(), build: fact, osVersion: fact, serialNumber: fact, udid: fact,
    inventoryAgrees: z.boolean().nullable(), buildRanOnModel: z.boolean().nullable(), modelEvidence: grade.nullable(), test: z.boolean(),
  }),
  textForPerson: z.string(),
  textForAdmin: z.string(),
  approvalEndsAt: instant.nullable(),
})

/** @param decision  as it was made, or as it was read back from JSON */
export const viewOfDecision = ({ forPerson: _, ...decision }: Decision): z.input<typeof decisionView> => ({
  ...decision, approvalEndsAt: decision.approvalEndsAt === null ? null : new Date(decision.approvalEndsAt).toISOString(),
})
