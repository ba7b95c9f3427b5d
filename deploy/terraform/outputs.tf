output "user_data" {
  description = "The machine's user data, for Debian 12 or Ubuntu 22.04 and later. It holds no secret."
  value       = local.user_data
}

output "url" {
  description = "The address that clients use."
  value       = local.settings.SALLYPORT_PUBLIC_URL
}

output "open_ports" {
  description = "TCP ports that the cloud's firewall has to let in."
  value       = concat([80, 443], var.ssh_port == 0 ? [] : [var.ssh_port])
}
