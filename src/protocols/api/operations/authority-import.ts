import { randomUUID, type KeyObject } from 'node:crypto'
import { z } from 'zod'
import { rootCrlAddress } from '../../../certificates/addresses.ts'
import type { Authority } from '../../../certificates/authority.ts'
import { issuingUnder, rootList } from '../../../certificates/hierarchy.ts'
import { assertNotListed, openImportedKey, parseImportedChain, parseRootCrl } from '../../../certificates/import.ts'
import type { SealedKey } from '../../../certificates/keyring.ts'
import type { NewCrl } from '../../../certificates/publish.ts'
import { CaError } from '../../../errors.ts'
import type { Certificate } from '../../../formats/x509.ts'
import { change } from '../../../http/change.ts'
import type { Service } from '../../../http/service.ts'
import { publishDue, registerAddresses, renewDueSigners } from '../../../http/upkeep.ts'
import { hierarchyStore, registerPartitions } from '../../../store/authorities.ts'
import type { Queryable } from '../../../store/db.ts'
import { operation } from '../operation.ts'
import { authorityView, viewOfAuthority } from './authority-view.ts'

const pem = z.string().min(1).max(500_000)
const secret = z.string().max(1000)

const importInput = z.strictObject({
  /** PEM: a root; or an issuing CA, then its root, which may be left out when it is here already. */
  certificates: pem,
  /** PKCS#8 in PEM, encrypted or not, of the first certificate. */
  privateKey: pem,
  passphrase: secret.optional(),
  /** Beside an issuing CA: the root’s key, should it be kept here. */
  rootPrivateKey: pem.optional(),
  rootPassphrase: secret.optional(),
  /** A list of the root in PEM: needed when the root comes without its key. */
  rootCrl: pem.optional(),
})

export const authorityImport = operation({
  id: 'authorityImport', method: 'post', path: '/authorities/import', role: 'admin', status: 201,
  summary: 'Bring your own root or issuing CA. The issuing CA it follows issues no more, and goes on to answer for what it issued.',
  input: importInput,
  output: z.strictObject({ root: authorityView, issuing: authorityView }),
  async run(service, actor, input) {
    const plan = await planImport(service, input, service.now())
    const names = await change(service, actor, async (tx, record, now) => {
      await hierarchyStore(tx).lockAndFind()
      const stored = await store(service, tx, plan, now)
      await record('authority.import', `authority:${stored.issuing}`, { ...stored, rootKeyHere: plan.root.key.privateKey !== null, generated: plan.generated })
      return stored
    })
    await service.reload()
    await registerAddresses(service)
    await renewDueSigners(service)
    await publishDue(service)
    service.revocationChanged()
    const authorities = service.authorities()
    const view = (name: string) => viewOfAuthority(authorities, authorities.all.find(authority => authority.name === name)!)
    return { root: view(names.root), issuing: view(names.issuing) }
  },
})

type Ca = { name: string, certificate: Certificate, key: SealedKey }
/** `root.crl` is left out where the root is here already and brings no newer list. */
type Plan = { root: Ca & { isNew: boolean, crl: NewCrl | undefined }, issuing: Ca, generated: boolean }

/** Checks everything and makes what has to be made, before anything is stored. */
async function planImport(service: Service, input: z.output<typeof importInput>, now: Date): Promise<Plan> {
  const { all } = service.authorities()
  const roots = all.filter(authority => authority.role === 'root')
  const chain = parseImportedChain(input.certificates, roots.map(authority => authority.certificate), now)
  const firstKey = openImportedKey(input.privateKey, input.passphrase, chain.issuing ?? chain.root)
  const known = roots.find(authority => authority.certificate.raw.equals(chain.root.raw))
  if (chain.issuing === undefined && known !== undefined) throw new CaError('authority-exists', 'this root is here already')
  if (chain.issuing !== undefined && all.some(authority => authority.certificate.raw.equals(chain.issuing!.raw))) throw new CaError('authority-exists', 'this issuing CA is here already')
  const root = await planRoot(service, chain.root, known, chain.issuing === undefined ? firstKey : rootKeyIn(input, chain.root), input.rootCrl, now)
  if (root.crl !== undefined && chain.issuing !== undefined) assertNotListed(root.crl, chain.issuing)
  const name = nextName('issuing', all)
  if (chain.issuing !== undefined) return { root, generated: false, issuing: { name, certificate: chain.issuing, key: service.keyring.seal(firstKey) } }
  const { config, keyring, addresses } = service
  const generation = all.filter(authority => authority.role === 'issuing').length + 1
  const rootCrlUrl = rootCrlAddress(config.pkiUrl).replace(/root\.crl$/, `${root.name}.crl`)
  return { root, generated: true, issuing: { name, ...await issuingUnder({ keyring, addresses, rootCrlUrl, organization: config.organization, keyType: config.keyType }, root, generation, now) } }
}

function rootKeyIn(input: z.output<typeof importInput>, root: Certificate): KeyObject | undefined {
  return input.rootPrivateKey === undefined ? undefined : openImportedKey(input.rootPrivateKey, input.rootPassphrase, root)
}

async function planRoot(service: Service, certificate: Certificate, known: Authority | undefined, privateKey: KeyObject | undefined, crlPem: string | undefined, now: Date): Promise<Plan['root']> {
  if (known !== undefined) return { name: known.name, certificate, key: known.key, isNew: false, crl: undefined }
  const key: SealedKey = privateKey === undefined ? { id: randomUUID(), publicKey: certificate.subjectPublicKeyInfo, privateKey: null } : service.keyring.seal(privateKey)
  if (crlPem === undefined && privateKey === undefined) {
    throw new CaError('authority-import-invalid', 'the root comes without its key, so a list that it signed must come with it (rootCrl): front ends refuse everybody without one')
  }
  const crl = crlPem === undefined ? await rootList(service.keyring, { certificate, key }, 1, now) : parseRootCrl(crlPem, certificate, 1, now)
  return { name: nextName('root', service.authorities().all), certificate, key, isNew: true, crl }
}

/** `issuing`, then `issuing-2` and so on: names are in addresses, so none is used twice. */
function nextName(role: 'root' | 'issuing', all: readonly Authority[]): string {
  const count = all.filter(authority => authority.role === role).length
  return count === 0 ? role : `${role}-${count + 1}`
}

async function store(service: Service, tx: Queryable, { root, issuing }: Plan, now: Date): Promise<{ root: string, issuing: string }> {
  const hierarchy = hierarchyStore(tx)
  if (root.isNew) {
    await hierarchy.retire('root')
    const rootId = await hierarchy.addAuthority({ name: root.name, role: 'root', certificate: root.certificate.raw, key: root.key, parent: null, partitions: 1 }, now)
    if (root.key.privateKey !== null) await hierarchy.restorePrivateKey(root.key.publicKey, root.key.privateKey)
    await hierarchy.addCrl(rootId, root.crl!.crlNumber, [root.crl!])
  }
  await hierarchy.retire('issuing')
  const { crlPartitions } = service.config
  const id = await hierarchy.addAuthority({ name: issuing.name, role: 'issuing', certificate: issuing.certificate.raw, key: issuing.key, parent: root.name, partitions: crlPartitions }, now)
  await hierarchy.restorePrivateKey(issuing.key.publicKey, issuing.key.privateKey!)
  await registerPartitions(tx, id, crlPartitions, partition => service.addresses.partitionCrl(issuing.name, partition))
  return { root: root.name, issuing: issuing.name }
}
