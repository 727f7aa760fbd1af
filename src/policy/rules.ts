/** What an admin writes down: rules, approvals and exemptions; and the check that they mean something. */
import { z } from 'zod'
import { evidenceGrades } from '../devices/evidence.ts'
import { CaError } from '../errors.ts'
import { compareOsVersions, parseOsVersion } from '../formats/os-version.ts'
import { isPlainLine, isPlainText, notPlainWords } from '../formats/plain-text.ts'
import { maxWildcardLength } from '../formats/wildcard.ts'

/** From the most open to the most restrictive. */
export const verdicts = ['allow', 'quarantine', 'block'] as const
export type Verdict = typeof verdicts[number]

const verdictSchema = z.enum(verdicts)
const gradeSchema = z.enum(evidenceGrades)
/** A claim proves nothing, so nobody is let in for it. */
const provingGrade = z.enum(['listed', 'signed', 'attested'])
const longText = z.string().trim().min(1).max(2000).refine(isPlainText, notPlainWords)
const identifierText = z.string().min(1).max(100).refine(isPlainLine, notPlainWords)
const instant = z.union([z.date(), z.iso.datetime({ offset: true }).transform(value => new Date(value))])
const version = z.string().max(40).refine(value => parseOsVersion(value) !== undefined, 'not a version like 17.4')

/** A product type or a wildcard over product types: `iPhone14,5`, `iPhone1?,*`, `*`. */
export const patternSchema = z.string().max(maxWildcardLength).regex(/^[A-Za-z0-9,*?]+$/, 'not a product type, nor a wildcard of one')

const osRange = z.strictObject({ from: version.optional(), below: version.optional() })
  .refine(range => range.from !== undefined || range.below !== undefined, 'needs from, below or both')
  .refine(range => range.from === undefined || range.below === undefined
    || compareOsVersions(parseOsVersion(range.from)!, parseOsVersion(range.below)!) < 0, 'from must be older than below')

/** All that are given must hold. At least one is: a rule about everything says `productType: '*'`. */
export const conditionsSchema = z.strictObject({
  productType: patternSchema.optional(),
  /** As the catalogue spells it: `iPhone`, `iPad`, `iPod touch`. */
  family: z.string().min(1).max(32).refine(isPlainLine, notPlainWords).optional(),
  storageEncryption: z.boolean().optional(),
  dataProtection: z.boolean().optional(),
  secureEnclave: z.boolean().optional(),
  canAttest: z.boolean().optional(),
  osVersion: osRange.optional(),
  /** A build number or a wildcard over build numbers: `20A362`, `20A*`. */
  build: z.string().max(maxWildcardLength).regex(/^[A-Za-z0-9*?]+$/, 'not a build number, nor a wildcard of one').optional(),
  /** The grade that the model is known at, or better. An allow rule asks it of every fact it rests on. */
  evidence: gradeSchema.optional(),
  person: identifierText.optional(),
  group: identifierText.optional(),
}).refine(conditions => Object.values(conditions).some(value => value !== undefined), 'needs at least one condition')

export const ruleInputSchema = z.strictObject({
  verdict: verdictSchema,
  conditions: conditionsSchema,
  reason: longText,
  /** Shown to the person in place of our own sentence. */
  textForPerson: longText.optional(),
}).refine(rule => rule.verdict !== 'allow' || rule.conditions.evidence !== 'claimed', 'a claim cannot allow anything')

export const approvalInputSchema = z.strictObject({
  pattern: patternSchema,
  leastEvidence: provingGrade.default('signed'),
  reason: longText,
  notBefore: instant.optional(),
  notAfter: instant.nullable().default(null),
})

export const exemptionInputSchema = z.strictObject({
  deviceId: identifierText,
  invitationId: identifierText,
  verdict: verdictSchema,
  evidence: gradeSchema.default('signed'),
  reason: longText,
  notAfter: instant,
})

export type Conditions = Readonly<z.infer<typeof conditionsSchema>>
export type RuleInput = Readonly<z.infer<typeof ruleInputSchema>>
export type ApprovalInput = Readonly<z.infer<typeof approvalInputSchema>>
export type ExemptionInput = Readonly<z.infer<typeof exemptionInputSchema>>

export type Rule = {
  readonly id: string
  readonly verdict: Verdict
  readonly conditions: Conditions
  readonly reason: string
  readonly author: string
  readonly createdAt: Date
  readonly textForPerson?: string | undefined
}

/** An admin's yes to a model, or to all that a wildcard names. Ended, never deleted. */
export type Approval = {
  readonly id: string
  readonly pattern: string
  readonly leastEvidence: Exclude<ApprovalInput['leastEvidence'], undefined>
  readonly reason: string
  readonly author: string
  readonly notBefore: Date
  /** Last instant at which it holds; null when it has no end. */
  readonly notAfter: Date | null
  /** First instant at which it no longer holds, once somebody withdrew it. */
  readonly endedAt: Date | null
}

/** A verdict about one device under one invitation, before all rules. */
export type Exemption = {
  readonly id: string
  readonly deviceId: string
  readonly invitationId: string
  readonly verdict: Verdict
  /** What the model must be known at for the exemption to open anything; `claimed` where the admin will rest on a claim. */
  readonly evidence: ExemptionInput['evidence']
  readonly reason: string
  readonly author: string
  /** Last instant at which it holds. */
  readonly notAfter: Date
  /** Shown to the person in place of our own sentence. */
  readonly textForPerson?: string | undefined
}

/** @throws invalid-argument, naming the first place that is wrong */
export const parseRuleInput = (value: unknown): RuleInput => parse('rule', ruleInputSchema, value)
/** @throws invalid-argument, naming the first place that is wrong */
export const parseApprovalInput = (value: unknown): ApprovalInput => parse('approval', approvalInputSchema, value)
/** @throws invalid-argument, naming the first place that is wrong */
export const parseExemptionInput = (value: unknown): ExemptionInput => parse('exemption', exemptionInputSchema, value)
/** @throws invalid-argument, naming the first place that is wrong */
export const parseConditions = (value: unknown): Conditions => parse('rule', conditionsSchema, value)

function parse<T>(what: string, schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const { path, message } = result.error.issues[0]!
  throw new CaError('invalid-argument', `the ${what} is wrong${path.length === 0 ? '' : ` at ${path.join('.')}`}: ${message}`)
}
