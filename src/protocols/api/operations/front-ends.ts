import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { authorityById, authorityNamed, type Authorities } from '../../../certificates/authority.ts'
import { newSecretToken, tokenSha256 } from '../../../devices/secret-token.ts'
import { change } from '../../../http/change.ts'
import { gateActions } from '../../../store/activesync.ts'
import { frontEndStore, type FrontEnd } from '../../../store/front-ends.ts'
import { at, instant, nothing, text } from '../fields.ts'
import { asks, conventionFor, frontEndKinds, type FrontEndKind } from '../../check/kinds.ts'
import { operation } from '../operation.ts'

const name = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'must be lower-case letters, digits and hyphens')
/** What becomes of an ActiveSync request that contradicts its certificate: noted only, or the phone set aside, or that request refused. */
const activeSync = z.enum(gateActions)
const frontEndFields = {
  name, kind: z.string(),
  /** How it passes on a client's certificate; any other way is ignored. `none` for one that asks nothing. */
  convention: z.string(),
  /** The only authority whose certificates it may ask about; null for every one that issues to devices. */
  authority: z.string().nullable(),
  /** How long the last good data of its agent counts, and what then: refuse everybody, or go on and alarm. */
  maxAgeSeconds: z.int(), whenStale: z.enum(['refuse', 'alarm']),
  activeSync,
  createdAt: instant,
}
const frontEndView = z.strictObject(frontEndFields)

const viewOf = (authorities: Authorities, f: Omit<FrontEnd, 'endedAt'>): z.input<typeof frontEndView> => ({
  name: f.name, kind: f.kind, convention: f.convention, maxAgeSeconds: f.maxAgeSeconds, whenStale: f.whenStale, activeSync: f.activeSync, createdAt: at(f.createdAt),
  authority: f.authorityId === null ? null : authorityById(authorities, f.authorityId).name,
})

export const frontEndList = operation({
  id: 'frontEndList', method: 'get', path: '/front-ends', role: 'auditor',
  summary: 'Front ends that may ask about certificates.',
  input: nothing,
  output: z.strictObject({ items: z.array(frontEndView) }),
  run: async service => ({ items: (await frontEndStore(service.db).list()).map(frontEnd => viewOf(service.authorities(), frontEnd)) }),
})

export const frontEndAdd = operation({
  id: 'frontEndAdd', method: 'post', path: '/front-ends', role: 'admin', status: 201,
  summary: 'Add a front end. Its secret is told this once.',
  input: z.strictObject({
    name, kind: z.enum(Object.keys(frontEndKinds) as [FrontEndKind]), authority: text(40).optional(),
    maxAgeSeconds: z.int().min(10).max(604_800).default(900), whenStale: z.enum(['refuse', 'alarm']).default('refuse'), activeSync: activeSync.default('observe'),
  }),
  output: z.strictObject({ ...frontEndFields, secret: z.string(), /** Null for one that asks nothing. */ checkUrl: z.url().nullable() }),
  async run(service, actor, input) {
    const secret = newSecretToken()
    const authorityId = input.authority === undefined ? null : authorityNamed(service.authorities(), input.authority).id
    const convention = conventionFor(input.kind, authorityId)
    return await change(service, actor, async (tx, record, now) => {
      const { maxAgeSeconds, whenStale, activeSync: action } = input
      const frontEnd = { id: randomUUID(), name: input.name, kind: input.kind, convention, authorityId, maxAgeSeconds, whenStale, activeSync: action, secretSha256: tokenSha256(secret), createdAt: now }
      await frontEndStore(tx).add(frontEnd)
      await record('front-end.add', `front-end:${input.name}`, { kind: input.kind, convention, authority: input.authority ?? null, maxAgeSeconds, whenStale, activeSync: action })
      return { ...viewOf(service.authorities(), frontEnd), secret, checkUrl: asks(convention) ? `${service.config.url}/check/${input.name}` : null }
    })
  },
})

export const frontEndEnd = operation({
  id: 'frontEndEnd', method: 'post', path: '/front-ends/{name}/end', role: 'admin',
  summary: 'End a front end: its secret opens nothing any more.',
  input: z.strictObject({ name }),
  output: frontEndView,
  async run(service, actor, input) {
    return await change(service, actor, async (tx, record, now) => {
      const frontEnd = await frontEndStore(tx).end(input.name, now)
      await record('front-end.end', `front-end:${input.name}`)
      return viewOf(service.authorities(), frontEnd)
    })
  },
})

export const frontEndActiveSync = operation({
  id: 'frontEndActiveSync', method: 'post', path: '/front-ends/{name}/activesync', role: 'admin',
  summary: 'Say what becomes of ActiveSync requests at a front end that contradict their certificate.',
  input: z.strictObject({ name, action: activeSync }),
  output: frontEndView,
  async run(service, actor, input) {
    return await change(service, actor, async (tx, record) => {
      const frontEnd = await frontEndStore(tx).setActiveSync(input.name, input.action)
      await record('front-end.activesync', `front-end:${input.name}`, { action: input.action })
      return viewOf(service.authorities(), frontEnd)
    })
  },
})
