import test from 'ava'
import { CaError } from '../../src/errors.ts'
import { sortExport, type ExchangeInventory } from '../../src/formats/exchange/inventory.ts'
import { readExport } from '../../src/formats/exchange/records.ts'
import { decodeExport } from '../../src/formats/exchange/text.ts'

const read = (text: string): ExchangeInventory => sortExport(readExport(text))
const codeOf = (action: () => unknown): string => {
  try {
    action()
    return 'none'
  } catch (error) {
    return error instanceof CaError ? error.code : String(error)
  }
}
const rule = { characteristic: 'DeviceModel', queryString: 'iPhone4C1', accessLevel: 'Block' } as const
const csv = '"QueryString","Characteristic","AccessLevel"\r\n"iPhone4C1","DeviceModel","Block"\r\n'

test('rules are read as Export-Csv writes them, with a line for the type or without, in each encoding of PowerShell', t => {
  const texts = [csv, `#TYPE Deserialized.Microsoft.Exchange.X\r\n${csv}`, `"#TYPE Selected.System.Object"\r\n${csv}`]
  for (const text of texts) {
    const encodings = [Buffer.from(text), Buffer.from(`\uFEFF${text}`), Buffer.from(`\uFEFF${text}`, 'utf16le'), Buffer.from(text, 'utf16le'), Buffer.from(`\uFEFF${text}`, 'utf16le').swap16()]
    for (const bytes of encodings) t.deepEqual(read(decodeExport(bytes)).rules, [rule])
  }
})

test('rules are read as ConvertTo-Json writes them, alone, in a list, with wrapped values', t => {
  t.deepEqual(read(JSON.stringify({ QueryString: 'iPhone4C1', Characteristic: 'DeviceModel', AccessLevel: 'Block' })).rules, [rule])
  t.deepEqual(read(JSON.stringify([{ QueryString: 'iPhone4C1', Characteristic: { Value: 'DeviceModel' }, AccessLevel: { value: 'block' }, ExchangeVersion: { Major: 0 } }])).rules, [rule])
})

test('rules are read as Microsoft365DSC writes them, and not those that are to be absent', t => {
  const text = `# Generated with Microsoft365DSC version 1.24
param ( [parameter()] [System.Management.Automation.PSCredential] $Credential )
Configuration M365TenantConfig
{
    Import-DscResource -ModuleName 'Microsoft365DSC'
    <# EXOActiveSyncDeviceAccessRule "not this" { } #>
    Node localhost
    {
        EXOActiveSyncDeviceAccessRule "EXOActiveSyncDeviceAccessRule-iPhone4C1 (DeviceModel)"
        {
            AccessLevel          = "Block";
            Characteristic       = "DeviceModel";
            Credential           = $Credscredential;
            Ensure               = "Present";
            Identity             = "iPhone4C1 (DeviceModel)"; # and a remark
            QueryString          = 'iPhone4C1';
        }
        EXOActiveSyncDeviceAccessRule 'old'
        {
            AccessLevel = "Allow"; Characteristic = "DeviceType"; Ensure = "Absent"; QueryString = "iPad"
        }
        EXOMobileDeviceMailboxPolicy "Default"
        {
            AllowNonProvisionableDevices = $True
            DeviceEncryptionEnabled = $false
            Name = "Default \`"one\`""
            UnapprovedInROMApplicationList = @("a", 'b')
            Nested = MSFT_Something { Value = "}" }
        }
    }
}
M365TenantConfig -ConfigurationData .\\ConfigurationData.psd1`
  const { rules, policies } = read(text)
  t.deepEqual(rules, [rule])
  t.deepEqual(policies, [{ name: 'Default "one"', allowNonProvisionable: true, requireEncryption: false }])
})

test('settings, phones and personal entries are told apart by their columns, in any mixture of files', t => {
  const rows = [
    ...readExport(csv),
    ...readExport('DefaultAccessLevel,UserMailInsert,AdminMailRecipients\nQuarantine,Please wait,{it@example.org}\n'),
    ...readExport(JSON.stringify([{ DeviceID: 'ApplC39', DeviceType: 'iPhone', DeviceModel: 'iPhone4C1', DeviceOS: 'iOS 6.1 10B142', DeviceUserAgent: 'Apple-iPhone4C1/1002.142', UserDisplayName: 'Ada', DeviceAccessState: 'Allowed', DeviceAccessStateReason: 'Individual' }])),
    ...readExport(JSON.stringify({ Identity: 'ada', ActiveSyncAllowedDeviceIDs: ['A1', 'B2'], ActiveSyncBlockedDeviceIDs: [] })),
    ...readExport('A,B\n1,2\n'),
  ]
  const { rules, settings, devices, exemptions, passedOver } = sortExport(rows)
  t.is(rules.length, 1)
  t.deepEqual(settings, { defaultAccessLevel: 'Quarantine', userMailInsert: 'Please wait', hasAdminMail: true })
  t.like(devices[0], { deviceId: 'ApplC39', user: 'Ada', userAgent: 'Apple-iPhone4C1/1002.142', accessStateReason: 'Individual' })
  t.deepEqual(exemptions, [{ mailbox: 'ada', allowed: ['A1', 'B2'], blocked: [] }])
  t.is(passedOver, 1)
})

test('what is no export is refused with a code', t => {
  for (const text of ['', '[1]', '{"a"', 'a,b\n1,2\n', 'QueryString,Characteristic,AccessLevel\nx,DeviceModel,Perhaps\n', 'QueryString,Characteristic,AccessLevel\nx,DeviceModel,1\n', 'QueryString,Characteristic\nx,DeviceModel,Block\n',
    'EXOActiveSyncDeviceAccessRule "a" { QueryString "b" }', 'EXOActiveSyncDeviceAccessRule "a" { QueryString = "b', 'DefaultAccessLevel\nAllow\nBlock\n']) {
    t.is(codeOf(() => read(text)), 'malformed-exchange-export', text)
  }
  t.is(codeOf(() => decodeExport(Buffer.from([0x41, 0xc3, 0x28]))), 'malformed-exchange-export')
  t.is(codeOf(() => readExport('a,"b\n')), 'malformed-csv')
})
