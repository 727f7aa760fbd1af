import { z } from 'zod'
import { mergeCatalogue, parseCatalogue, type Catalogue, type CatalogueUpdate, type DeviceModel } from '../../../devices/catalogue.ts'
import { isWildcard, matchesWildcard } from '../../../formats/wildcard.ts'
import { change } from '../../../http/change.ts'
import { addCatalogueUpdate, lockCatalogueUpdate } from '../../../store/catalogue.ts'
import { policyStore } from '../../../store/policy.ts'
import { nothing, text } from '../fields.ts'
import { operation } from '../operation.ts'

const catalogueView = z.strictObject({ version: z.string(), models: z.int(), builds: z.int() })
const viewOf = ({ version, models, builds }: Catalogue): z.input<typeof catalogueView> => ({ version, models: models.size, builds: builds.size })

// Rows are checked as a catalogue file, so that the refusal names the place in the file.
const catalogueFile = z.strictObject({ version: text(40).optional(), models: z.array(z.unknown()).optional(), builds: z.array(z.unknown()).optional() })

export const catalogueShow = operation({
  id: 'catalogueShow', method: 'get', path: '/catalogue', role: 'auditor',
  summary: 'Which catalogue of models and builds is in use.',
  input: nothing,
  output: catalogueView,
  run: async service => viewOf(service.catalogue()),
})

export const catalogueUpdate = operation({
  id: 'catalogueUpdate', method: 'put', path: '/catalogue', role: 'admin', maxBodyBytes: 16 * 1024 * 1024,
  summary: 'Bring newer models and builds: rows replace those of the same identifier or build, nothing is taken out.',
  input: catalogueFile,
  output: catalogueView,
  async run(service, actor, input) {
    const update = parseCatalogue(JSON.stringify(input))
    await change(service, actor, async (tx, record, now) => {
      await addCatalogueUpdate(tx, joined(await lockCatalogueUpdate(tx), update), now, actor.name)
      await record('catalogue.update', 'catalogue', { version: update.version ?? null, models: update.models?.length ?? 0, builds: update.builds?.length ?? 0 })
    })
    await service.reload()
    return viewOf(service.catalogue())
  },
})

const named = z.strictObject({ identifier: z.string(), name: z.string() })

export const catalogueCheck = operation({
  id: 'catalogueCheck', method: 'post', path: '/catalogue/check', role: 'auditor', maxBodyBytes: 16 * 1024 * 1024,
  summary: 'What a file of newer models and builds would change, without taking it.',
  input: catalogueFile,
  output: z.strictObject({
    version: z.string(), added: z.array(named), changed: z.array(named), builds: z.strictObject({ added: z.int(), changed: z.int() }),
    /** Approvals by wildcard that fit models which are added: phones of those could have a certificate at once. */
    approvals: z.array(z.strictObject({ pattern: z.string(), models: z.array(z.string()) })),
  }),
  async run(service, _actor, input) {
    const update = parseCatalogue(JSON.stringify(input))
    const before = service.catalogue()
    const after = mergeCatalogue(before, update)
    const models = [...new Set((update.models ?? []).map(({ identifier }) => identifier))].map(identifier => after.models.get(identifier)!)
    const builds = [...new Set((update.builds ?? []).map(({ build }) => build))]
    const added = models.filter(({ identifier }) => !before.models.has(identifier))
    const rows = (of: DeviceModel[]) => of.map(({ identifier, name }) => ({ identifier, name }))
    const wildcards = (await policyStore(service.db).approvals(service.now())).map(({ pattern }) => pattern).filter(isWildcard)
    return {
      version: after.version, added: rows(added), changed: rows(models.filter(model => isOther(before.models.get(model.identifier), model))),
      builds: { added: builds.filter(build => !before.builds.has(build)).length, changed: builds.filter(build => isOther(before.builds.get(build), after.builds.get(build))).length },
      approvals: [...new Set(wildcards)].map(pattern => ({ pattern, models: added.map(({ identifier }) => identifier).filter(identifier => matchesWildcard(pattern, identifier)) }))
        .filter(({ models: fitting }) => fitting.length > 0),
    }
  },
})

const isOther = (before: unknown, after: unknown): boolean => before !== undefined && JSON.stringify(before) !== JSON.stringify(after)

/** Both updates as one, the later over the earlier. */
function joined(earlier: CatalogueUpdate | undefined, later: CatalogueUpdate): CatalogueUpdate {
  const empty: Catalogue = { models: new Map(), builds: new Map(), version: '' }
  const { models, builds, version } = mergeCatalogue(earlier === undefined ? empty : mergeCatalogue(empty, earlier), later)
  return { models: [...models.values()], builds: [...builds.values()], ...version === '' ? {} : { version } }
}
