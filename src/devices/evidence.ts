/** How a fact about a phone is known, from worth nothing to signed by Apple for this phone's own key. */
export const evidenceGrades = ['claimed', 'listed', 'signed', 'attested'] as const

export type EvidenceGrade = typeof evidenceGrades[number]

/** Negative when `a` is worth less. */
export const compareGrades = (a: EvidenceGrade, b: EvidenceGrade): number => evidenceGrades.indexOf(a) - evidenceGrades.indexOf(b)

export const atLeast = (grade: EvidenceGrade, least: EvidenceGrade): boolean => compareGrades(grade, least) >= 0

/**
 * A fact with the grade at which it is known. Graded one by one: a phone can have an attested serial
 * number and a listed model.
 */
export type Fact<T> = {
  readonly value: T
  readonly grade: EvidenceGrade
  /** Comes from a simulated phone. */
  readonly test?: boolean
}

/**
 * What the fact is worth here and now. What a simulated phone signed counts as `signed`, and never as
 * more, while the service is told to trust such phones; otherwise it is a claim like any other.
 */
export function worthOf(fact: Fact<unknown>, trustTestDevices: boolean): EvidenceGrade {
  if (fact.test !== true) return fact.grade
  if (!trustTestDevices) return 'claimed'
  return atLeast(fact.grade, 'signed') ? 'signed' : fact.grade
}

/**
 * Certificate-policy OIDs that tell a front end how the model was known (arc 2.25.<UUID>, X.667 §7).
 * `test` stands beside the grade when the phone was simulated. They are in issued certificates: never change one.
 */
export const evidenceOids: Readonly<Record<EvidenceGrade | 'test', string>> = {
  claimed: '2.25.285501835163808068355905761609132461406',
  listed: '2.25.64079367834137076216296484914056901351',
  signed: '2.25.7634131158703251190028537932703771890',
  attested: '2.25.146591892286820044882973257778739525219',
  test: '2.25.53959801966288154272454548748762359896',
}

/** @returns undefined for an OID that is not one of ours */
export function gradeOfOid(oid: string): EvidenceGrade | 'test' | undefined {
  return [...evidenceGrades, 'test' as const].find(grade => evidenceOids[grade] === oid)
}

/** What each grade does not prove, in words for the console and for whoever reads a decision. */
export const doesNotProve: Readonly<Record<EvidenceGrade | 'test', string>> = {
  claimed: 'Somebody typed it or a header said it. It proves nothing.',
  listed: 'The model comes from an imported list. It is as good as that list, and as the proof that the phone has the serial number it names.',
  signed: 'The phone signed its model with an identity that Apple issued, but its own software wrote the text. A jailbroken phone can lie, one such identity is public, and public programs obtain more.',
  attested: 'Apple signed the facts for a key in this phone’s Secure Enclave. It does not say who holds the phone, nor whether a passcode is set.',
  test: 'A simulated phone. It proves nothing about any hardware.',
}
