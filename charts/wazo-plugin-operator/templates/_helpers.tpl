{{- define "wazo-plugin-operator.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "wazo-plugin-operator.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- $name := include "wazo-plugin-operator.name" . }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{- define "wazo-plugin-operator.selectorLabels" -}}
app.kubernetes.io/name: {{ include "wazo-plugin-operator.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "wazo-plugin-operator.labels" -}}
{{ include "wazo-plugin-operator.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "wazo-plugin-operator.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "wazo-plugin-operator.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- /* The default account of the namespace would hand these rights to every pod in it. */}}
{{- required "serviceAccount.name: name the account to use, since serviceAccount.create is false" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "wazo-plugin-operator.image" -}}
{{- $image := printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) }}
{{- with .Values.image.digest }}{{ $image = printf "%s@%s" $image . }}{{ end }}
{{- $image }}
{{- end }}

{{- /* The ConfigMap with the prober's certificate authorities; nothing where there is none. */}}
{{- define "wazo-plugin-operator.probeCA" -}}
{{- $bundle := .Values.probe.caBundle }}
{{- if and $bundle.configMap.name $bundle.inline }}
{{- fail "probe.caBundle: configMap.name and inline are both given: leave one out" }}
{{- end }}
{{- if $bundle.inline }}
{{- printf "%s-probe-ca" (include "wazo-plugin-operator.fullname" . | trunc 54 | trimSuffix "-") }}
{{- else }}
{{- $bundle.configMap.name }}
{{- end }}
{{- end }}
