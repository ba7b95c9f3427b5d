{{- define "sallyport.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 50 | trimSuffix "-" }}
{{- end }}

{{- define "sallyport.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" }}
{{- else if contains (include "sallyport.name" .) .Release.Name }}
{{- .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "sallyport.name" .) | trunc 50 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "sallyport.selector" -}}
app.kubernetes.io/name: {{ include "sallyport.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "sallyport.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "sallyport.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "sallyport.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "sallyport.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "sallyport.image" -}}
{{- $repository := required "image.repository says where you have pushed the release's image" .Values.image.repository }}
{{- if .Values.image.digest }}
{{- printf "%s@%s" $repository .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" $repository (default .Chart.AppVersion .Values.image.tag) }}
{{- end }}
{{- end }}

{{- define "sallyport.publicUrl" -}}
{{- required "publicUrl says by what address clients come, such as https://gateway.example" .Values.publicUrl }}
{{- end }}

{{- define "sallyport.publicHost" -}}
{{- (urlParse (include "sallyport.publicUrl" .)).host | regexFind "^[^:]+" }}
{{- end }}

{{- define "sallyport.publicSsh" -}}
{{- printf "%s:%d" (default (include "sallyport.publicHost" .) .Values.ssh.publicHost) (int .Values.ssh.service.port) }}
{{- end }}

{{- define "sallyport.scheme" -}}
{{- ternary "HTTPS" "HTTP" (ne .Values.tls.secretName "") }}
{{- end }}

{{- define "sallyport.claim" -}}
{{- default (include "sallyport.fullname" .) .Values.persistence.existingClaim }}
{{- end }}
