import { z } from 'zod'
import { claimFindings } from '../../../devices/activesync-claim.ts'
import { explainClaim, explainQuery, queryFields } from '../../../devices/activesync-words.ts'
import { contradictionFindings } from '../../../policy/contradictions.ts'
import { activeSyncStore } from '../../../store/activesync.ts'
import { at, id, instant, nothing } from '../fields.ts'
import { operation } from '../operation.ts'

/** As it was sent, whatever it is: it is judged, not stored. */
const strings = z.array(z.string().max(4096)).max(1000).default([])
const sentences = z.array(z.string())

export const activesyncExplain = operation({
  id: 'activesyncExplain', method: 'post', path: '/activesync/explain', role: 'auditor',
  summary: 'What ActiveSync strings claim, and what is wrong with it. A claim is never evidence: what fits is still only a claim.',
  input: nothing.extend({ userAgents: strings, queries: strings, deviceModels: strings, deviceOs: strings }),
  output: z.strictObject({
    claims: z.array(z.strictObject({
      input: z.string(), model: z.string().nullable(), build: z.string().nullable(), osVersion: z.string().nullable(), finding: z.enum(claimFindings).nullable(), sentences,
    })),
    /** `query`: what it says; else `error` says why nobody should act on it. */
    queries: z.array(z.strictObject({ input: z.string(), query: z.record(z.string(), z.unknown()).nullable(), error: z.string().nullable(), sentences })),
  }),
  async run(service, _actor, { userAgents, queries, deviceModels, deviceOs }) {
    const catalogue = service.catalogue()
    const claims = [['user-agent', userAgents], ['device-model', deviceModels], ['device-os', deviceOs]] as const
    return {
      claims: claims.flatMap(([kind, texts]) => texts.map(text => explainClaim(catalogue, { kind, text }))).map(({ sentences: said, ...claim }) => ({ ...claim, sentences: [...said] })),
      queries: queries.map(explainQuery).map(explained => ({
        input: explained.input, sentences: [...explained.sentences],
        ...'error' in explained ? { query: null, error: explained.error } : { query: queryFields(explained.query), error: null },
      })),
    }
  },
})

export const activesyncFindings = operation({
  id: 'activesyncFindings', method: 'get', path: '/activesync/findings', role: 'auditor',
  summary: 'Phones whose ActiveSync requests contradicted their certificate and that nobody has looked at, the newest finding of each; at most 500. Those in quarantine are listed there.',
  input: nothing,
  output: z.strictObject({ items: z.array(z.strictObject({
    deviceId: id, personId: id, personName: z.string(), personEmail: z.string(), productType: z.string(), finding: z.enum(contradictionFindings), sentence: z.string(), foundAt: instant,
  })) }),
  run: async service => ({ items: (await activeSyncStore(service.db).open(500)).map(row => ({ ...row, foundAt: at(row.foundAt) })) }),
})
