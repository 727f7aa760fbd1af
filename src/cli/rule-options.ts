/** A rule as options say it. */
import type { Command } from 'commander'
import type { z } from 'zod'
import type { EvidenceGrade } from '../devices/evidence.ts'
import type { Verdict } from '../policy/rules.ts'
import type { policyAdd } from '../protocols/api/operations/policy.ts'
import { yesOrNo } from './command.ts'

export const conditions = (command: Command): Command => command
  .option('--product <pattern>', 'product type or wildcard').option('--family <name>', 'iPhone, iPad, iPod touch')
  .option('--storage-encryption <yes|no>', 'the hardware encrypts storage', yesOrNo).option('--data-protection <yes|no>', 'the hardware has Data Protection', yesOrNo)
  .option('--secure-enclave <yes|no>', 'the hardware has a Secure Enclave', yesOrNo).option('--can-attest <yes|no>', 'the hardware can attest', yesOrNo)
  .option('--os-from <version>', 'this version or newer').option('--os-below <version>', 'older than this version').option('--build <pattern>', 'build number or wildcard')
  .option('--evidence <grade>', 'known at this grade or better').option('--person <email>', 'one person').option('--group <name>', 'a group of people')
  .requiredOption('--reason <text>', 'why, for the record').option('--text-for-person <text>', 'shown to the person in place of our words')

export type ConditionOptions = {
  product?: string, family?: string, storageEncryption?: boolean, dataProtection?: boolean, secureEnclave?: boolean, canAttest?: boolean
  osFrom?: string, osBelow?: string, build?: string, evidence?: EvidenceGrade, person?: string, group?: string, reason: string, textForPerson?: string
}

export function ruleOf(options: ConditionOptions, verdict: string): z.input<typeof policyAdd.input> {
  const { product, osFrom, osBelow, reason, textForPerson, family, storageEncryption, dataProtection, secureEnclave, canAttest, build, evidence, person, group: name } = options
  const osVersion = osFrom === undefined && osBelow === undefined ? undefined : { from: osFrom, below: osBelow }
  return {
    verdict: verdict as Verdict, reason, textForPerson,
    conditions: { productType: product, family, storageEncryption, dataProtection, secureEnclave, canAttest, osVersion, build, evidence, person, group: name },
  }
}
