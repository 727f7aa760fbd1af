import { readFileSync } from 'node:fs'
import { createPublicKey } from 'node:crypto'
import ipaddr from 'ipaddr.js'
import { CaError } from './errors.ts'
import { serverAddresses } from './store/server-addresses.ts'

export type ListenAddress = { host: string, port: number }

/** Everything the environment says, checked once at start. README.md lists the names and their dangers. */
export type Config = Readonly<{
  databaseUrl: string | undefined
  databaseDirectUrl: string | undefined
  dataFolder: string
  listen: ListenAddress
  consoleListen: ListenAddress | undefined
  /** Where agents come by mutual TLS; without it they sign their requests. */
  agentListen: ListenAddress | undefined
  /** The address of that door as agents reach it; they are told. */
  agentUrl: string | undefined
  url: string
  pkiUrl: string
  passphraseFile: string | undefined
  trustedProxies: readonly string[]
  testDeviceCa: string | undefined
  organization: string
  keyType: 'ec' | 'rsa'
  crlPartitions: number
  crlValidityHours: number
  crlPeriodMinutes: number
  ocspValiditySeconds: number
  /** Whether certificates say how good the evidence was: readers built with Go before 1.22 take no certificate that does. */
  gradeInCertificate: boolean
  certificateDays: number
  renewalDays: number
  invitationDays: number
  evidenceMaxAgeDays: number
  databaseLossSeconds: number
  profileSigner: string | undefined
  profileSignerKey: string | undefined
  smtpUrl: string | undefined
  mailFrom: string | undefined
  webhookUrl: string | undefined
  webhookSecret: string | undefined
}>

type Environment = Readonly<Record<string, string | undefined>>

/**
 * Reads the settings. Every mistake is reported at once, by the setting's name.
 * @throws {CaError} invalid-configuration
 */
export function loadConfig(env: Environment): Config {
  const mistakes: string[] = []
  const read = <T>(name: string, fallback: T, parse: (text: string) => T): T => {
    const text = env[name]
    if (text === undefined || text === '') return fallback
    try {
      return parse(text)
    } catch (error) {
      mistakes.push(`${name}: ${(error as Error).message}`)
      return fallback
    }
  }
  const listen = read('LATCHKEY_LISTEN', { host: '127.0.0.1', port: 8080 }, listenAddress)
  const databaseUrl = read('DATABASE_URL', undefined, postgresUrl)
  const config: Config = {
    databaseUrl,
    databaseDirectUrl: read('DATABASE_DIRECT_URL', databaseUrl, postgresUrl),
    dataFolder: env['LATCHKEY_DATA'] || 'var',
    listen,
    consoleListen: read('LATCHKEY_CONSOLE_LISTEN', undefined, listenAddress),
    agentListen: read('LATCHKEY_AGENT_LISTEN', undefined, listenAddress),
    agentUrl: read('LATCHKEY_AGENT_URL', undefined, httpUrl('https:')),
    url: read('LATCHKEY_URL', `http://localhost:${listen.port}`, httpUrl('http:', 'https:')),
    pkiUrl: read('LATCHKEY_PKI_URL', `http://localhost:${listen.port}`, httpUrl('http:')),
    passphraseFile: env['LATCHKEY_PASSPHRASE_FILE'] || undefined,
    trustedProxies: read('LATCHKEY_TRUSTED_PROXIES', [], networks),
    testDeviceCa: env['LATCHKEY_TEST_DEVICE_CA'] || undefined,
    organization: read('LATCHKEY_ORGANIZATION', 'Latchkey', organization),
    keyType: read('LATCHKEY_KEY_TYPE', 'ec', oneOf('ec', 'rsa')),
    crlPartitions: read('LATCHKEY_CRL_PARTITIONS', 16, wholeNumber(1, 4096)),
    crlValidityHours: read('LATCHKEY_CRL_VALIDITY_HOURS', 7 * 24, wholeNumber(2, 24 * 90)),
    crlPeriodMinutes: read('LATCHKEY_CRL_PERIOD_MINUTES', 60, wholeNumber(1, 24 * 60)),
    ocspValiditySeconds: read('LATCHKEY_OCSP_VALIDITY_SECONDS', 60, wholeNumber(1, 86_400)),
    gradeInCertificate: read('LATCHKEY_GRADE_IN_CERTIFICATE', 'yes', oneOf('yes', 'no')) === 'yes',
    certificateDays: read('LATCHKEY_CERTIFICATE_DAYS', 365, wholeNumber(1, 825)),
    renewalDays: read('LATCHKEY_RENEWAL_DAYS', 30, wholeNumber(1, 365)),
    invitationDays: read('LATCHKEY_INVITATION_DAYS', 7, wholeNumber(1, 365)),
    evidenceMaxAgeDays: read('LATCHKEY_EVIDENCE_MAX_AGE_DAYS', 400, wholeNumber(1, 3650)),
    databaseLossSeconds: read('LATCHKEY_DATABASE_LOSS_SECONDS', 5, wholeNumber(0, 3600)),
    profileSigner: env['LATCHKEY_PROFILE_SIGNER'] || undefined,
    profileSignerKey: env['LATCHKEY_PROFILE_SIGNER_KEY'] || undefined,
    smtpUrl: read('LATCHKEY_SMTP_URL', undefined, smtpUrl),
    mailFrom: read('LATCHKEY_MAIL_FROM', undefined, mailAddress),
    webhookUrl: read('LATCHKEY_WEBHOOK_URL', undefined, webhookUrl),
    webhookSecret: read('LATCHKEY_WEBHOOK_SECRET', undefined, webhookSecret),
  }
  checkTogether(config, mistakes)
  if (mistakes.length > 0) throw new CaError('invalid-configuration', mistakes.join('\n'))
  return Object.freeze(config)
}

function checkTogether(config: Config, mistakes: string[]): void {
  if (config.databaseUrl !== undefined && config.passphraseFile === undefined) {
    mistakes.push('LATCHKEY_PASSPHRASE_FILE: is required with DATABASE_URL, because every instance must open the same keys')
  }
  if ((config.profileSigner === undefined) !== (config.profileSignerKey === undefined)) {
    mistakes.push('LATCHKEY_PROFILE_SIGNER: needs LATCHKEY_PROFILE_SIGNER_KEY beside it, and the other way round')
  }
  if ((config.webhookUrl === undefined) !== (config.webhookSecret === undefined)) {
    mistakes.push('LATCHKEY_WEBHOOK_URL: needs LATCHKEY_WEBHOOK_SECRET beside it, and the other way round')
  }
  // A list must live much longer than the time between two: an expired one refuses everybody.
  if (config.crlValidityHours * 60 < config.crlPeriodMinutes * 2) {
    mistakes.push('LATCHKEY_CRL_VALIDITY_HOURS: must be at least twice LATCHKEY_CRL_PERIOD_MINUTES')
  }
  for (const [name, path] of [['LATCHKEY_PASSPHRASE_FILE', config.passphraseFile], ['LATCHKEY_TEST_DEVICE_CA', config.testDeviceCa],
    ['LATCHKEY_PROFILE_SIGNER', config.profileSigner], ['LATCHKEY_PROFILE_SIGNER_KEY', config.profileSignerKey]] as const) {
    if (path !== undefined && !isReadable(path)) mistakes.push(`${name}: the file cannot be read`)
  }
  if (config.testDeviceCa !== undefined && isReadable(config.testDeviceCa)) {
    try {
      createPublicKey(readFileSync(config.testDeviceCa))
    } catch {
      mistakes.push('LATCHKEY_TEST_DEVICE_CA: is not a PEM certificate')
    }
  }
}

function isReadable(path: string): boolean {
  try {
    readFileSync(path)
    return true
  } catch {
    return false
  }
}

function postgresUrl(text: string): string {
  serverAddresses(text)
  return text
}

function smtpUrl(text: string): string {
  const url = parseUrl(text)
  if (!['smtp:', 'smtps:'].includes(url.protocol) || url.hostname === '') throw new Error('must look like smtp://user:password@host:587 or smtps://host')
  return text
}

/** It goes into a header of every mail. */
function mailAddress(text: string): string {
  if (text.length > 254 || !/^[\x21-\x7e]+@[a-z0-9.-]+$/i.test(text) || /[<>,;:"]/.test(text)) throw new Error('must be an address like latchkey@example.com')
  return text
}

function webhookUrl(text: string): string {
  const url = parseUrl(text)
  if (!['http:', 'https:'].includes(url.protocol) || url.username !== '' || url.hash !== '') throw new Error('must be an http or https address without a user')
  return url.href
}

function webhookSecret(text: string): string {
  if (text.length < 16) throw new Error('must be at least 16 characters')
  return text
}

const httpUrl = (...protocols: string[]) => (text: string): string => {
  const url = parseUrl(text)
  if (!protocols.includes(url.protocol)) throw new Error(`must begin with ${protocols.map(p => `${p}//`).join(' or ')}`)
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '' || url.username !== '') throw new Error('must be an address without path, query or user')
  return url.origin
}

function parseUrl(text: string): URL {
  // The URL parser's own message repeats its input, which may hold a password.
  if (!URL.canParse(text)) throw new Error('is not an address')
  return new URL(text)
}

function listenAddress(text: string): ListenAddress {
  const match = /^(?:\[([0-9a-fA-F:]+)\]|([^:\s]*)):(\d{1,5})$/.exec(text)
  const port = Number(match?.[3])
  if (match === null || port > 65_535) throw new Error('must look like 127.0.0.1:8080 or [::1]:8080')
  return { host: match[1] ?? (match[2] || '127.0.0.1'), port }
}

function networks(text: string): string[] {
  const list = text.split(',').map(item => item.trim()).filter(item => item !== '')
  for (const item of list) {
    if (!ipaddr.isValid(item) && !ipaddr.isValidCIDR(item)) throw new Error('must be addresses or networks with commas between')
  }
  return list
}

function organization(text: string): string {
  if (text.length > 60 || !/^[\p{L}\p{N} .,'&()-]+$/u.test(text)) throw new Error('must be 1 to 60 letters, digits, spaces and .,\'&()-')
  return text
}

const oneOf = <T extends string>(...allowed: T[]) => (text: string): T => {
  const found = allowed.find(item => item === text)
  if (found === undefined) throw new Error(`must be one of ${allowed.join(', ')}`)
  return found
}

const wholeNumber = (least: number, most: number) => (text: string): number => {
  const value = Number(text)
  if (!/^\d{1,9}$/.test(text) || value < least || value > most) throw new Error(`must be a whole number from ${least} to ${most}`)
  return value
}
