/** Proposed policies as commands that can be copied, and as changes that are previewed. */
import type { z } from 'zod'
import type { Proposal, ProposedRule } from '../policy/import/proposal.ts'
import { ruleSentence } from '../policy/sentences.ts'
import { policyPreview, type PolicyChangeView } from '../protocols/api/operations/policy-changes.ts'
import type { Client } from './client.ts'
import { line } from './command.ts'

const quote = (text: string): string => /^[A-Za-z0-9_.,:=-]+$/.test(text) ? text : `'${text.replaceAll('\'', '\'\\\'\'')}'`

export function proposalText({ approvals, rules }: Proposal): string {
  if (approvals.length === 0 && rules.length === 0) return line('Proposed policy: none, so nobody is let in.')
  const commands = [
    ...approvals.map(({ models, leastEvidence, reason }) => ['model', 'approve', ...models, '--least-evidence', leastEvidence, '--reason', reason]),
    ...rules.map(rule => ['policy', 'add', rule.verdict, ...conditionOptions(rule), '--reason', rule.reason, ...rule.textForPerson === undefined ? [] : ['--text-for-person', rule.textForPerson]]),
  ]
  return line('Proposed policy (nothing is changed; --preview shows whom it would reach):') + commands.map(words => line(`  latchkey ${words.map(quote).join(' ')}`)).join('')
}

function conditionOptions({ conditions }: ProposedRule): string[] {
  const { productType, family, osVersion, build, evidence } = conditions
  return Object.entries({
    product: productType, family, evidence, 'os-from': osVersion?.from, 'os-below': osVersion?.below, build,
  }).flatMap(([name, value]) => value === undefined ? [] : [`--${name}`, value])
}

/** Each part as a change of its own, which `policy apply` puts in force; none is. */
export async function previewProposal(client: Client, { approvals, rules }: Proposal): Promise<{ change: PolicyChangeView, text: string }[]> {
  const edits: z.input<typeof policyPreview.input>['edit'][] = [
    ...approvals.map(({ models, leastEvidence, reason }) => ({ kind: 'approve' as const, models, leastEvidence, reason })),
    ...rules.map(rule => ({ kind: 'add-rule' as const, rule })),
  ]
  const previewed: { change: PolicyChangeView, text: string }[] = []
  for (const edit of edits) {
    const change = await client.call(policyPreview, { edit })
    const what = edit.kind === 'add-rule' ? ruleSentence(edit.rule) : change.sentence
    previewed.push({ change, text: line(`${what}: stops ${change.reach.certificates} certificates of ${change.reach.people} people, ${change.reach.starts} phones may come in`) + line(`  latchkey policy apply ${change.id} --certificates leave`) })
  }
  return previewed
}
